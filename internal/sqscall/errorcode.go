package sqscall

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
)

// ErrorCode returns the code of an AWS error, or else "timeout" or "connection".
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
