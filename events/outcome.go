package events

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"wildix-worker/signature"
)

// An Outcome is the result of handling a message. Every message has exactly one.
type Outcome uint8

const (
	// Failed: the handler returned an error or panicked, or the signing keys could not
	// be read. The message must be delivered again. Failed is the zero Outcome, so that
	// a missing outcome does not delete a message.
	Failed Outcome = iota
	// Handled: the handler returned nil.
	Handled
	// Ignored: there is no handler for the event's type.
	Ignored
	// Duplicate: the event was handled before and is not handled again.
	Duplicate
	// Rejected: the message has no valid signature.
	Rejected
	// Malformed: the message is signed, but is not a valid event.
	Malformed

	// Outcomes is the number of outcomes. They are numbered from 0.
	Outcomes = iota
)

var outcomeWords = [Outcomes]string{"failed", "handled", "ignored", "duplicate", "rejected", "malformed"}

// String returns the outcome's name in logs and metrics, such as "handled".
func (o Outcome) String() string {
	if int(o) >= len(outcomeWords) {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeWords[o]
}

// Done reports whether the message need not be delivered again.
func (o Outcome) Done() bool { return o == Handled || o == Ignored || o == Duplicate }

// ErrOtherIntegration means that the body names an integration that its signing key
// does not belong to.
var ErrOtherIntegration = errors.New("signed with the key of another integration")

// DecodeSigned verifies the signature of a body before it decodes it: a body that no key
// of the ring has signed is not parsed. With an error, the outcome is [Rejected],
// [Malformed], or [Failed] if the keys can't be read. Without an error, the returned
// outcome has no meaning: it is that of [Dispatch].
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

// Dispatch calls the handler and returns the outcome: [Handled], [Ignored],
// [Duplicate], or [Failed] with the handler's error. A panic is recovered and
// returned as a *[PanicError]. An error that can't be used, because it is a nil pointer or
// its methods panic, is replaced by one that says so.
func Dispatch(ctx context.Context, h Handler, e *Event) (outcome Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			outcome, err = Failed, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	// Only these very values mean success. An error that wraps or joins one of them, or
	// claims to be one by a method Is, may hide a failure, and would delete the message.
	switch err = h.HandleEvent(ctx, e); err {
	case nil:
		return Handled, nil
	case ErrNoHandler: //nolint:errorlint // see above
		return Ignored, nil
	case ErrDuplicate:
		return Duplicate, nil
	default:
		return Failed, usable(err)
	}
}

// A PanicError is a handler's panic. It does not unwrap into what was passed to panic:
// whatever that wraps, a panic is an ordinary failure, and never a [Permanent] one.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // from debug.Stack
}

// Error returns the panic's value as text, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }
