package events

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"wildix-worker/signature"
)

// An Outcome is what became of a message. Every message ends in exactly one.
type Outcome uint8

const (
	// Failed: its handler returned an error or panicked, or the signing keys
	// could not be read. It is to be delivered again. It is the zero Outcome,
	// since what was forgotten must not pass for done.
	Failed Outcome = iota
	// Handled: its handler returned nil.
	Handled
	// Ignored: there is no handler for its type.
	Ignored
	// Duplicate: it is a known repeat and was not handled again.
	Duplicate
	// Rejected: it has no valid signature.
	Rejected
	// Malformed: it is signed but no valid event.
	Malformed

	// Outcomes is how many there are; the constants count from 0.
	Outcomes = iota
)

var outcomeWords = [Outcomes]string{"failed", "handled", "ignored", "duplicate", "rejected", "malformed"}

// String returns the outcome's word, the same in logs and metrics.
func (o Outcome) String() string {
	if int(o) >= len(outcomeWords) {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeWords[o]
}

// Done reports whether the message needs no further delivery.
func (o Outcome) Done() bool { return o == Handled || o == Ignored || o == Duplicate }

// ErrOtherIntegration: a body claims an integration whose events its key may
// not sign.
var ErrOtherIntegration = errors.New("signed with the key of another integration")

// DecodeSigned verifies a message and then decodes it, in this order: nothing looks at
// a body that no key of the ring has signed. With an error comes the outcome:
// [Rejected], [Malformed] or, while the keys can't be read, [Failed].
func DecodeSigned(keys *signature.Keyring, body []byte, sig string) (*Event, Outcome, error) {
	signer, err := keys.Verify(body, sig)
	if errors.Is(err, signature.ErrUnavailable) {
		return nil, Failed, err
	}
	if err != nil {
		return nil, Rejected, err
	}
	e, err := Decode(body)
	if err != nil {
		return nil, Malformed, err
	}
	if !signer.SignsFor(e.IntegrationID) {
		return nil, Rejected, ErrOtherIntegration
	}
	e.Signature = sig
	return e, 0, nil
}

// Dispatch calls the handler and says what became of the event: [Handled],
// [Ignored], [Duplicate], or [Failed] with the handler's error. A panic is
// recovered and becomes a *[PanicError].
func Dispatch(ctx context.Context, h Handler, e *Event) (outcome Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			outcome, err = Failed, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	err = h.HandleEvent(ctx, e)
	switch {
	case err == nil:
		return Handled, nil
	case isOnly(err, ErrNoHandler):
		return Ignored, nil
	case isOnly(err, ErrDuplicate):
		return Duplicate, nil
	default:
		return Failed, err
	}
}

// isOnly is errors.Is for errors that wrap one other: an error that joins the
// target with a failure must not pass for the target, since that would delete
// an event that was not handled.
func isOnly(err, target error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err == target {
			return true
		}
	}
	return false
}

// A PanicError is a handler's panic.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // where, as debug.Stack writes it
}

// Error returns the panic's value as text, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
