package awsclient

import (
	"errors"
	"fmt"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// Explain turns an error of AWS that waiting does not change into a sentence for people.
// It returns nil for any other error.
func Explain(queueURL string, err error) error {
	code := ErrorCode(err)
	switch {
	case code == "" || ClockSkewed(err):
		return nil
	case QueueMissing(err):
		return fmt.Errorf("the queue %s does not exist; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	case Denied(err):
		return fmt.Errorf("not allowed to use the queue %s: the worker needs sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on it (AWS says %s)", queueURL, code)
	case BadCredentials(err):
		return ExplainCredentials(code)
	case code == "InvalidAddress":
		return fmt.Errorf("there is no queue at %s; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	default:
		return nil
	}
}

// ExplainCredentials returns the error of credentials that AWS refused with a code.
func ExplainCredentials(code string) error {
	return fmt.Errorf("AWS does not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the role (AWS says %s)", code)
}

// ErrorCode returns the code of an error response, without the prefixes that some servers
// add. A response that is not SQS's, such as a proxy's, has its HTTP status as code. The
// code is empty if there was no response.
func ErrorCode(err error) string {
	const unknown = "UnknownError" // the SDK's code where it finds none
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != unknown {
		return api.ErrorCode()[strings.LastIndexAny(api.ErrorCode(), ".#")+1:]
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.HTTPStatusCode() != 0 {
		return fmt.Sprintf("HTTP %d", response.HTTPStatusCode())
	}
	return ""
}

// QueueMissing reports whether the queue does not exist.
func QueueMissing(err error) bool {
	_, ok := errors.AsType[*types.QueueDoesNotExist](err)
	return ok
}

// Denied reports whether AWS accepts the credentials and denies the action.
func Denied(err error) bool {
	switch ErrorCode(err) {
	case "AccessDenied", "AccessDeniedException":
		return true
	}
	return false
}

// BadCredentials reports whether AWS does not accept the credentials.
func BadCredentials(err error) bool {
	switch ErrorCode(err) {
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId",
		"MissingAuthenticationToken", "IncompleteSignature", "ExpiredToken", "ExpiredTokenException", "InvalidSecurity":
		return true
	}
	return false
}

// InvalidRequest reports whether a request was refused for its parameters.
func InvalidRequest(err error) bool {
	switch ErrorCode(err) {
	case "InvalidParameterValue", "InvalidParameterValueException", "InvalidAttributeValue", "ValidationException",
		"EmptyBatchRequest", "MissingParameter":
		return true
	}
	return false
}

// ClockSkewed reports whether AWS refused the time of a signature. The SDK has read AWS's
// time in the response, and signs the next request with it.
func ClockSkewed(err error) bool {
	var skewed interface{ RetryableError() bool }
	return errors.As(err, &skewed) && skewed.RetryableError()
}
