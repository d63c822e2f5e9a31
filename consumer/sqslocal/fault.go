package sqslocal

import (
	"net/http"
	"time"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Fault is a fault that the server injects. The first four fields select requests, the others are the effects on them. Effects can be
// combined; they take place in the order of the fields. An effect that does not apply to a request, such as Duplicate to a send, does
// nothing, but the request counts; set Action to prevent that.
type Fault struct {
	Action string  // the action, such as "DeleteMessageBatch"; "" selects all
	Queue  string  // the name of the queue; "" selects all, and requests without a queue
	Count  int     // number of requests, after which the fault is removed; 0 means no limit
	Chance float64 // share of the requests, from 0 to 1, chosen at random (see Options.Seed); 0 means all

	// Delay holds the request this long, in addition to the server's latency, before anything else happens.
	Delay time.Duration
	// Hang never answers: the request ends when the client disconnects or the server closes. The action is not done.
	Hang bool
	// DropBefore closes the connection without an answer. The action is not done.
	DropBefore bool

	// Status, Code and Message answer with an HTTP status and an SQS error. The action is not done. One of Status and Code is enough:
	// Status is 400 if only Code is set; if only Status is set, Code is "InternalFailure" from 500 on and "InvalidParameterValue"
	// below. Codes that clients know include RequestThrottled, ThrottlingException, AccessDeniedException, ExpiredTokenException,
	// ServiceUnavailable and QueueDoesNotExist. With FailEntries or EntryChance they are the error of an entry, and the request as a
	// whole succeeds.
	Status  int
	Code    string
	Message string

	// FailEntries answers with an error for this many entries of a batch, from the first. The other entries are done. Without Status
	// and Code the error is InternalFailure, which is not the sender's fault.
	FailEntries int
	// EntryChance is like FailEntries, for each entry of a batch with this probability.
	EntryChance float64

	// Duplicate leaves received messages visible, as can happen on a standard queue: the next receive returns them again, and makes
	// the receipt handles of this one old. It has no effect on FIFO queues.
	Duplicate bool
	// DropAfter does the action, then closes the connection without an answer.
	DropAfter bool
}

// drawnFault is the Fault of one request, after all random choices. The zero value has no effect.
type drawnFault struct {
	Fault
	failed [maxBatch]bool // the entries of a batch that EntryChance chose, by position
}

// requestError returns the error for the whole request, or nil.
func (f *drawnFault) requestError() error {
	if f.FailEntries > 0 || f.EntryChance > 0 || f.Status == 0 && f.Code == "" {
		return nil
	}
	return f.error(http.StatusBadRequest)
}

// entryError returns the error for entry i of a batch, or nil.
func (f *drawnFault) entryError(i int) error {
	if i < f.FailEntries || f.failed[i] {
		return f.error(http.StatusInternalServerError)
	}
	return nil
}

// error returns the error that the fault describes. The status is the default if neither Status nor Code is set.
func (f *drawnFault) error(status int) error {
	if f.Code != "" {
		status = http.StatusBadRequest
	}
	if f.Status != 0 {
		status = f.Status
	}
	e := &sqserr.Error{Status: status, Shape: f.Code, Code: f.Code, Message: f.Message}
	if f.Code == "" && e.SenderFault() {
		e.Shape, e.Code = "InvalidParameterValueException", "InvalidParameterValue"
	} else if f.Code == "" {
		e.Shape, e.Code = "InternalFailureException", "InternalFailure"
	}
	if e.Message == "" {
		e.Message = "This error is an injected fault."
	}
	return e
}
