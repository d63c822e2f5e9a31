package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"
)

const (
	// lookTimeout is how long an endpoint may take to answer.
	lookTimeout = 10 * time.Second
	// lookPause is about how long to wait before it is asked again.
	lookPause = 2 * time.Second
)

// look asks for the queue once before it is consumed. A queue that does not
// exist or may not be used is an error; an endpoint that does not answer is
// waited for, until ctx ends.
func look(ctx context.Context, client *sqs.Client, queueURL string, log *zap.Logger) error {
	waiting := false
	for {
		out, err := attributes(ctx, client, queueURL, noRetries)
		switch {
		case err == nil:
			remark(out.Attributes, log)
			return nil
		case ctx.Err() != nil:
			return nil
		}
		if reason := refusal(queueURL, err); reason != nil {
			return reason
		}
		if !waiting {
			log.Warn("queue does not answer, waiting for it", zap.String("queue", queueURL), zap.Error(err))
			waiting = true
		}
		select {
		case <-time.After(lookPause/2 + rand.N(lookPause)):
		case <-ctx.Done():
		}
	}
}

// lookForTarget asks once whether a queue that is sent to exists. No other answer
// matters: sending needs no permission to look at it.
func lookForTarget(ctx context.Context, client *sqs.Client, queueURL, role, setting string) error {
	if _, err := attributes(ctx, client, queueURL, noRetries); err != nil && missing(err) {
		return fmt.Errorf("the %s %s does not exist; compare %s with the SQS console", role, queueURL, setting)
	}
	return nil
}

// noRetries switches the SDK's retries off: look has its own.
func noRetries(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }

// attributes asks for all there is to know of a queue.
func attributes(ctx context.Context, client *sqs.Client, queueURL string, options ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &queueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}, options...)
}

// noRedrive is what it means that a queue has no redrive policy.
const noRedrive = "a message that is rejected, malformed or fails for ever comes back until its retention ends; give the queue a dead-letter queue"

// remark logs what an operator should know of the queue.
func remark(attributes map[string]string, log *zap.Logger) {
	if attributes[string(types.QueueAttributeNameRedrivePolicy)] == "" {
		log.Warn("the queue has no redrive policy: " + noRedrive)
	}
}

// refusal turns an answer of AWS that waiting does not change into a sentence
// for a person. It returns nil for any other error.
func refusal(queueURL string, err error) error {
	code := answerCode(err)
	switch {
	case code == "" || signedTooFarOff(err):
		return nil
	case missing(err):
		return fmt.Errorf("the queue %s does not exist; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	case denied(err):
		return fmt.Errorf("not allowed to use the queue %s: the worker needs sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on it (AWS says %s)", queueURL, code)
	case badCredentials(err):
		return fmt.Errorf("AWS does not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the role (AWS says %s)", code)
	case code == "InvalidAddress":
		return fmt.Errorf("there is no queue at %s; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	default:
		return nil
	}
}

// answerCode is the code of an answer that is an error, without the prefixes
// that some servers give it. An answer that is not SQS's, such as a proxy's, has
// its HTTP status for a code; where none came, the code is empty.
func answerCode(err error) string {
	const unknown = "UnknownError" // the SDK's word where it finds no code
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != unknown {
		return api.ErrorCode()[strings.LastIndexAny(api.ErrorCode(), ".#")+1:]
	}
	if answered, ok := errors.AsType[*awshttp.ResponseError](err); ok && answered.HTTPStatusCode() != 0 {
		return fmt.Sprintf("HTTP %d", answered.HTTPStatusCode())
	}
	return ""
}

// missing reports whether the queue does not exist.
func missing(err error) bool {
	_, ok := errors.AsType[*types.QueueDoesNotExist](err)
	return ok
}

// denied reports whether AWS knows who asks and does not allow it.
func denied(err error) bool {
	switch answerCode(err) {
	case "AccessDenied", "AccessDeniedException":
		return true
	}
	return false
}

// badCredentials reports whether AWS does not accept the credentials.
func badCredentials(err error) bool {
	switch answerCode(err) {
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId",
		"MissingAuthenticationToken", "IncompleteSignature", "ExpiredToken", "ExpiredTokenException", "InvalidSecurity":
		return true
	}
	return false
}

// signedTooFarOff reports whether AWS refused the time of a signature. The SDK
// has seen AWS's time in the refusal, and signs the next request with it.
func signedTooFarOff(err error) bool {
	var skewed interface{ RetryableError() bool }
	return errors.As(err, &skewed) && skewed.RetryableError()
}
