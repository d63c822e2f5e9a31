package sqscall

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
)

// ErrorCode names the kind of an error in a word, for logs and to tell when
// one trouble gave way to another.
func ErrorCode(err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return "connection"
	}
}
