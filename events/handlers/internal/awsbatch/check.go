package awsbatch

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aws/smithy-go"

	"wildix-worker/internal/sqscall"
)

// CheckContext returns a context for the call of a check.
func CheckContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(timeout, DefaultTimeout))
}

// CheckError returns the error of a call that has no event in it, so that the service's
// message can quote none. The error has that message, and wraps the [smithy.APIError].
func CheckError(action string, err error) error {
	api, isAPI := errors.AsType[smithy.APIError](err)
	if !isAPI {
		return transportError(err)
	}
	text := codeError(action, sqscall.ErrorCode(err)).Error()
	if message := api.ErrorMessage(); message != "" {
		text += " (AWS says: " + message + ")"
	}
	return &answeredError{text, api}
}

// An answeredError is an answer of the service, with what to do about it.
type answeredError struct {
	text string
	api  smithy.APIError
}

func (e *answeredError) Error() string { return e.text }

func (e *answeredError) Unwrap() error { return e.api }
