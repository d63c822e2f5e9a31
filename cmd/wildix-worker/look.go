package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
		out, err := attributes(ctx, client, queueURL)
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

// lookForQuarantine asks once whether the quarantine queue exists. No other
// answer matters: the worker needs no permission to look at it.
func lookForQuarantine(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := attributes(ctx, client, queueURL)
	if _, missing := errors.AsType[*types.QueueDoesNotExist](err); missing {
		return fmt.Errorf("the quarantine queue %s does not exist; compare --quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL) with the SQS console", queueURL)
	}
	return nil
}

// attributes makes one call, without the SDK's retries: look has its own.
func attributes(ctx context.Context, client *sqs.Client, queueURL string) (*sqs.GetQueueAttributesOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &queueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}, func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
}

// remark logs what an operator should know of the queue.
func remark(attributes map[string]string, log *zap.Logger) {
	if attributes[string(types.QueueAttributeNameRedrivePolicy)] == "" {
		log.Warn("the queue has no redrive policy: a message that is rejected, malformed or fails for ever comes back until its retention ends; give the queue a dead-letter queue")
	}
}

// refusal turns an answer of AWS that waiting does not change into a sentence
// for a person. It returns nil for any other error.
func refusal(queueURL string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	var missing *types.QueueDoesNotExist
	if errors.As(err, &missing) {
		return fmt.Errorf("the queue %s does not exist; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	}
	switch code := api.ErrorCode(); code {
	case "AccessDenied", "AccessDeniedException", "AWS.SimpleQueueService.AccessDenied":
		return fmt.Errorf("not allowed to use the queue %s: the worker needs sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on it (AWS says %s)", queueURL, code)
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId",
		"MissingAuthenticationToken", "IncompleteSignature", "ExpiredToken", "ExpiredTokenException", "InvalidSecurity":
		return fmt.Errorf("AWS does not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the role (AWS says %s)", code)
	case "InvalidAddress":
		return fmt.Errorf("there is no queue at %s; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	default:
		return nil
	}
}
