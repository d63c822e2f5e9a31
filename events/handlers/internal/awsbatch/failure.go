package awsbatch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/events"
	"wildix-worker/internal/backoff"
	"wildix-worker/internal/sqscall"
)

// pause is how long nothing is sent to a service that limits its requests. AWS refills the
// budgets of its services every second.
var pause = backoff.Exponential{Min: 2 * time.Second, Max: 2 * time.Second}

// A Failure says why a service has not accepted an entry.
type Failure struct {
	Code string
	// SenderFault reports whether the service says that the entry itself is the cause.
	SenderFault bool
}

// Failures returns the failures of the entries of a call whose entries have an id, that of
// [sqscall.EntryID]. An entry that the answer does not name has failed.
func Failures(entries int, accepted []*string, failed []types.BatchResultErrorEntry) map[int]Failure {
	codes := sqscall.Failures(entries, accepted, failed)
	if len(codes) == 0 {
		return nil
	}
	senderFaults := make(map[string]bool)
	for _, f := range failed {
		senderFaults[aws.ToString(f.Id)] = f.SenderFault
	}
	failures := make(map[int]Failure)
	for i := range entries {
		id := *sqscall.EntryID(i)
		if code, isFailed := codes[id]; isFailed {
			failures[i] = Failure{Code: code, SenderFault: senderFaults[id]}
		}
	}
	return failures
}

// Codes of failures that another try does not fix, without the prefixes that some services
// write before them.
var (
	// contentCodes are about the content of an entry, whatever else the service says.
	contentCodes = []string{"InvalidMessageContents", "MalformedDetail", "MessageTooLong"}
	// parameterCodes are about an entry if the service says that the sender is at fault.
	parameterCodes = []string{"InvalidParameterValue", "InvalidParameter", "ParameterValueInvalid"}
	// callCodes are about all entries of a call, and may be due to one of them.
	callCodes = []string{"BatchRequestTooLong", "RequestEntityTooLarge", "RequestEntityTooLargeException", "ValidationException", "ValidationError"}
)

// shortCode returns a code without its prefix: AWS.SimpleQueueService.NonExistentQueue is
// NonExistentQueue.
func shortCode(code string) string { return code[strings.LastIndexAny(code, ".#")+1:] }

func (f Failure) err(action string) error {
	code := shortCode(f.Code)
	err := codeError(action, f.Code)
	if slices.Contains(contentCodes, code) || f.SenderFault && slices.Contains(parameterCodes, code) {
		return events.Permanent(err)
	}
	return err
}

// isAboutContent reports whether a call failed because of the content of one of its entries.
func isAboutContent(err error) bool {
	code := shortCode(sqscall.ErrorCode(err))
	return slices.Contains(contentCodes, code) || slices.Contains(parameterCodes, code) || slices.Contains(callCodes, code)
}

// CallError returns the error for each entry of a call that has failed as a whole. It is
// permanent only if the code says that the content is at fault: other codes may be due to
// the configuration, which can be corrected while the events wait.
func CallError(action string, err error) error {
	if _, isAPI := errors.AsType[smithy.APIError](err); !isAPI {
		return transportError(err)
	}
	code := sqscall.ErrorCode(err)
	if short := shortCode(code); slices.Contains(contentCodes, short) || short == "BatchRequestTooLong" {
		return events.Permanent(codeError(action, code))
	}
	return codeError(action, code)
}

// codeError returns an error with a code and, if that is known, what to do about it. It
// does not contain the service's message, which may quote the event.
func codeError(action, code string) error {
	short := shortCode(code)
	switch {
	case isThrottling(short):
		return events.Unavailable(pause.EqualJitter(1), errors.New(code))
	case strings.Contains(short, "AccessDenied"), strings.HasPrefix(short, "NotAuthorizedFor"),
		short == "AuthorizationError", short == "UnauthorizedOperation":
		return fmt.Errorf("%s: allow %s in the IAM policy, and the key's use if it is encrypted with KMS", code, action)
	case strings.HasPrefix(short, "KMS"), strings.HasPrefix(short, "Kms"):
		return fmt.Errorf("%s: check the KMS key and the permission to use it", code)
	case strings.HasPrefix(short, "NonExistentQueue"), strings.HasPrefix(short, "QueueDoesNotExist"),
		strings.HasPrefix(short, "NotFound"), strings.HasPrefix(short, "ResourceNotFound"):
		return fmt.Errorf("%s: it does not exist; check its name, the account and the region", code)
	case slices.Contains([]string{
		"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidAccessKeyId", "MissingAuthenticationToken",
	}, short):
		return fmt.Errorf("%s: check the AWS credentials", code)
	default:
		return errors.New(code)
	}
}

func isThrottling(code string) bool {
	if _, known := retry.DefaultThrottleErrorCodes[code]; known {
		return true
	}
	return code == "KmsThrottled" || code == "KMSThrottlingException" || code == "ThrottlingError"
}

// transportError returns the error of a call that got no answer of the service, without the
// SDK's description of the call.
func transportError(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no response in time")
	case errors.Is(err, context.Canceled):
		return errors.New("cancelled")
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("no response: %w", request.Err)
	}
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		return operation.Err
	}
	return err
}
