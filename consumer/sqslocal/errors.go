package sqslocal

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is a refusal as SQS words it.
type apiError struct {
	status  int
	shape   string // its name in the JSON protocol, from which the SDK chooses a type
	code    string // its name in the older query protocol, which the SDK reports as the error's code
	message string
}

func (e *apiError) Error() string { return e.shape + ": " + e.message }

// typeName is the value of __type. Errors that SQS does not model itself come from the framework it is built on.
func (e *apiError) typeName() string {
	if strings.HasSuffix(e.shape, "Exception") {
		return "com.amazon.coral.service#" + e.shape
	}
	return "com.amazonaws.sqs#" + e.shape
}

// entryCode is the code in a Failed entry of a batch, where the older protocol's prefix is not used.
func (e *apiError) entryCode() string { return strings.TrimPrefix(e.code, legacyPrefix) }

func (e *apiError) senderFault() bool { return e.status < http.StatusInternalServerError }

const legacyPrefix = "AWS.SimpleQueueService."

var (
	errQueueDoesNotExist = &apiError{400, "QueueDoesNotExist", legacyPrefix + "NonExistentQueue", "The specified queue does not exist."}
	errHandleInvalid     = &apiError{404, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid."}
	errNotInflight       = &apiError{400, "MessageNotInflight", legacyPrefix + "MessageNotInflight", "The message referred to is not in flight."}
	errEmptyBatch        = &apiError{400, "EmptyBatchRequest", legacyPrefix + "EmptyBatchRequest", "There should be at least one entry in the request."}
	errTooManyEntries    = &apiError{400, "TooManyEntriesInBatchRequest", legacyPrefix + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10."}
	errEntryIDInvalid    = &apiError{400, "InvalidBatchEntryId", legacyPrefix + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."}
	errBatchTooLong      = &apiError{400, "BatchRequestTooLong", legacyPrefix + "BatchRequestTooLong", fmt.Sprintf("Batch requests cannot be longer than %d bytes.", maxMessageSize)}
	errOverLimit         = &apiError{403, "OverLimit", "OverLimit", "Too many messages in flight."}
	errRequestTooLarge   = &apiError{413, "RequestEntityTooLargeException", "RequestEntityTooLarge", fmt.Sprintf("The request is larger than %d bytes.", maxRequestSize)}
	errUnavailable       = &apiError{503, "ServiceUnavailableException", "ServiceUnavailable", "The server is closed."}
)

func errInvalidValue(format string, args ...any) *apiError {
	return &apiError{400, "InvalidParameterValueException", "InvalidParameterValue", fmt.Sprintf(format, args...)}
}

func errMissing(parameter string) *apiError {
	return &apiError{400, "MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter " + parameter + "."}
}

func errHandle(handle, reason string) *apiError {
	return errInvalidValue("Value %s for parameter ReceiptHandle is invalid. Reason: %s.", handle, reason)
}

func errResourceNotFound(message string) *apiError {
	return &apiError{404, "ResourceNotFoundException", "ResourceNotFoundException", message}
}

func errUnsupported(message string) *apiError {
	return &apiError{400, "UnsupportedOperation", legacyPrefix + "UnsupportedOperation", message}
}

func errContents(message string) *apiError {
	return &apiError{400, "InvalidMessageContents", "InvalidMessageContents", message}
}

func errAttributeName(name string) *apiError {
	return &apiError{400, "InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute " + name + "."}
}

func errAttributeValue(name string) *apiError {
	return &apiError{400, "InvalidAttributeValue", "InvalidAttributeValue", "Invalid value for the parameter " + name + "."}
}

func errQueueNameExists(attribute string) *apiError {
	return &apiError{400, "QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute " + attribute + "."}
}

func errEntryIDRepeated(id string) *apiError {
	return &apiError{400, "BatchEntryIdsNotDistinct", legacyPrefix + "BatchEntryIdsNotDistinct", "Id " + id + " repeated."}
}

func errUnknownAction(action string) *apiError {
	return &apiError{400, "UnknownOperationException", "InvalidAction", fmt.Sprintf("The action %q is not valid for this endpoint.", action)}
}

func errMalformed(cause error) *apiError {
	return &apiError{400, "SerializationException", "MalformedInput", "The request is not valid: " + cause.Error()}
}
