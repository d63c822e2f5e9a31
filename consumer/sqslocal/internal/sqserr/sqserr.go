// Package sqserr holds the errors of the SQS API, with the names and texts SQS uses.
package sqserr

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is an error that the API answers with.
type Error struct {
	Status  int    // HTTP status
	Shape   string // name in the JSON protocol; the SDK picks the error's type by it
	Code    string // name in the older query protocol; the SDK reports it as the error's code
	Message string
}

func (e *Error) Error() string { return e.Shape + ": " + e.Message }

// TypeName returns the value of __type in the answer. Errors that SQS does not model itself come from the framework it is built on.
func (e *Error) TypeName() string {
	if strings.HasSuffix(e.Shape, "Exception") {
		return "com.amazon.coral.service#" + e.Shape
	}
	return "com.amazonaws.sqs#" + e.Shape
}

// EntryCode returns the code in a Failed entry of a batch, which lacks the query protocol's prefix.
func (e *Error) EntryCode() string { return strings.TrimPrefix(e.Code, queryPrefix) }

// SenderFault reports whether the client is at fault, not the server.
func (e *Error) SenderFault() bool { return e.Status < http.StatusInternalServerError }

const queryPrefix = "AWS.SimpleQueueService."

// Errors without parameters.
var (
	QueueDoesNotExist = &Error{400, "QueueDoesNotExist", queryPrefix + "NonExistentQueue", "The specified queue does not exist."}
	HandleInvalid     = &Error{404, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid."}
	NotInFlight       = &Error{400, "MessageNotInflight", queryPrefix + "MessageNotInflight", "The message referred to is not in flight."}
	EmptyBatch        = &Error{400, "EmptyBatchRequest", queryPrefix + "EmptyBatchRequest", "There should be at least one entry in the request."}
	TooManyEntries    = &Error{400, "TooManyEntriesInBatchRequest", queryPrefix + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10."}
	EntryIDInvalid    = &Error{400, "InvalidBatchEntryId", queryPrefix + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."}
	OverLimit         = &Error{403, "OverLimit", "OverLimit", "Too many messages in flight."}
	Unavailable       = &Error{503, "ServiceUnavailableException", "ServiceUnavailable", "The server is closed."}
)

// InvalidValue is the error for a parameter with a value that SQS does not accept.
func InvalidValue(format string, args ...any) *Error {
	return &Error{400, "InvalidParameterValueException", "InvalidParameterValue", fmt.Sprintf(format, args...)}
}

// MissingParameter is the error for a required parameter that is not set.
func MissingParameter(name string) *Error {
	return &Error{400, "MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter " + name + "."}
}

// HandleExpired is the error for a receipt handle that was valid once.
func HandleExpired(handle, reason string) *Error {
	return InvalidValue("Value %s for parameter ReceiptHandle is invalid. Reason: %s.", handle, reason)
}

// ResourceNotFound is the error for a message move task or the ARN of a queue that does not exist.
func ResourceNotFound(message string) *Error {
	return &Error{404, "ResourceNotFoundException", "ResourceNotFoundException", message}
}

// Unsupported is the error for an operation that the state of a message move task does not allow.
func Unsupported(message string) *Error {
	return &Error{400, "UnsupportedOperation", queryPrefix + "UnsupportedOperation", message}
}

// InvalidContents is the error for characters that a message cannot carry.
func InvalidContents(message string) *Error {
	return &Error{400, "InvalidMessageContents", "InvalidMessageContents", message}
}

// AttributeName is the error for a queue attribute that does not exist or cannot be set.
func AttributeName(name string) *Error {
	return &Error{400, "InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute " + name + "."}
}

// AttributeValue is the error for a queue attribute with a value out of bounds.
func AttributeValue(name string) *Error {
	return &Error{400, "InvalidAttributeValue", "InvalidAttributeValue", "Invalid value for the parameter " + name + "."}
}

// RedrivePolicy is the error for a redrive policy that cannot be used.
func RedrivePolicy(policy, reason string) *Error {
	return InvalidValue("Value %s for parameter RedrivePolicy is invalid. Reason: %s.", policy, reason)
}

// QueueNameExists is the error for creating a queue that exists with another value for the attribute.
func QueueNameExists(attribute string) *Error {
	return &Error{400, "QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute " + attribute + "."}
}

// BatchTooLong is the error for a batch of more than limit bytes.
func BatchTooLong(limit int) *Error {
	return &Error{400, "BatchRequestTooLong", queryPrefix + "BatchRequestTooLong", fmt.Sprintf("Batch requests cannot be longer than %d bytes.", limit)}
}

// EntryIDRepeated is the error for a batch with two entries of the same id.
func EntryIDRepeated(id string) *Error {
	return &Error{400, "BatchEntryIdsNotDistinct", queryPrefix + "BatchEntryIdsNotDistinct", "Id " + id + " repeated."}
}

// RequestTooLarge is the error for a request of more than limit bytes.
func RequestTooLarge(limit int) *Error {
	return &Error{413, "RequestEntityTooLargeException", "RequestEntityTooLarge", fmt.Sprintf("The request is larger than %d bytes.", limit)}
}

// UnknownAction is the error for an action that the server does not have.
func UnknownAction(action string) *Error {
	return &Error{400, "UnknownOperationException", "InvalidAction", fmt.Sprintf("The action %q is not valid for this endpoint.", action)}
}

// Malformed is the error for a request that cannot be read or decoded.
func Malformed(cause error) *Error {
	return &Error{400, "SerializationException", "MalformedInput", "The request is not valid: " + cause.Error()}
}

// Internal is the error for a failure of the server itself.
func Internal(cause error) *Error {
	return &Error{500, "InternalFailureException", "InternalFailure", cause.Error()}
}
