package awsclient

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

// Explain returns an error that says what to do about err. It returns nil for an error that
// may be temporary.
func Explain(queueURL string, err error) error {
	if missing, ok := errors.AsType[*CredentialsError](err); ok && !missing.Temporary {
		return missing
	}
	code := ErrorCode(err)
	switch {
	case code == "" || ClockSkewed(err):
		return nil
	case QueueMissing(err):
		return fmt.Errorf("the queue %s does not exist; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	case Denied(err):
		return fmt.Errorf("not allowed to use the queue %s: the worker needs sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on it (AWS says %s)", queueURL, Answer(err))
	case BadCredentials(err):
		return ExplainCredentials(err)
	case code == "InvalidAddress":
		return fmt.Errorf("there is no queue at %s; compare --queue-url (WILDIX_QUEUE_URL) with the SQS console", queueURL)
	default:
		return nil
	}
}

// ExplainCredentials returns the error for credentials that AWS refused with err.
func ExplainCredentials(err error) error {
	return fmt.Errorf("AWS does not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the role (AWS says %s)", Answer(err))
}

// maxSentence is how much of AWS's sentence is shown. That of a wrong signature goes on with
// everything that was signed.
const maxSentence = 300

// Answer returns the code of an error response and AWS's own sentence, which often names
// what is wrong. It returns an empty string if there was no response.
func Answer(err error) string {
	code := ErrorCode(err)
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || code == "" {
		return code
	}
	sentence, _, _ := strings.Cut(strings.TrimSpace(api.ErrorMessage()), "\n")
	sentence = strings.TrimRight(term.Printable(strings.TrimSpace(sentence)), ".")
	if runes := []rune(sentence); len(runes) > maxSentence {
		sentence = string(runes[:maxSentence]) + "…"
	}
	if sentence == "" || sentence == api.ErrorCode() {
		return code
	}
	return code + ": " + sentence
}

// ErrorCode returns the code of an error response, without the prefixes that some servers
// add. For a response that is not SQS's, such as a proxy's, it returns the HTTP status, such
// as "HTTP 502". It returns an empty string if there was no response.
func ErrorCode(err error) string {
	const unknown = "UnknownError" // the SDK's code if the response has none
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != unknown && api.ErrorCode() != "" {
		return api.ErrorCode()[strings.LastIndexAny(api.ErrorCode(), ".#")+1:]
	}
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) && response.HTTPStatusCode() != 0 {
		return fmt.Sprintf("HTTP %d", response.HTTPStatusCode())
	}
	return ""
}

// QueueMissing reports whether the queue does not exist.
func QueueMissing(err error) bool {
	_, ok := errors.AsType[*types.QueueDoesNotExist](err)
	return ok
}

// Denied reports whether AWS accepts the credentials but denies the action.
func Denied(err error) bool {
	switch ErrorCode(err) {
	case "AccessDenied", "AccessDeniedException", "AuthorizationError": // the last is SNS's
		return true
	}
	return false
}

// BadCredentials reports whether AWS does not accept the credentials.
func BadCredentials(err error) bool {
	switch ErrorCode(err) {
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId",
		"MissingAuthenticationToken", "IncompleteSignature", "InvalidSignatureException", "ExpiredToken", "ExpiredTokenException", "InvalidSecurity":
		return true
	}
	return false
}

// InvalidRequest reports whether a request was refused because of its parameters.
func InvalidRequest(err error) bool {
	switch ErrorCode(err) {
	case "InvalidParameterValue", "InvalidParameterValueException", "InvalidAttributeValue", "ValidationException",
		"EmptyBatchRequest", "MissingParameter":
		return true
	}
	return false
}

// ClockSkewed reports whether AWS refused a request because of the time in its signature.
// The SDK signs the next request with the time that it has read from AWS's response.
func ClockSkewed(err error) bool {
	var skewed interface{ RetryableError() bool }
	return errors.As(err, &skewed) && skewed.RetryableError()
}
