package sqslocal

import (
	"errors"
	"regexp"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

const maxBatch = 10

// batchResult is the output of a batch action.
type batchResult[R any] struct {
	Successful []R           `json:",omitempty"`
	Failed     []failedEntry `json:",omitempty"`
}

type failedEntry struct {
	Id          string
	Code        string
	Message     string
	SenderFault bool
}

type batchEntry interface{ id() string }

// runBatch calls do for each entry of a batch; some may fail and others succeed. If the batch as a whole is not valid, it returns an
// error and does nothing.
func runBatch[E batchEntry, R any](f *drawnFault, entries []E, do func(E) (R, error)) (*batchResult[R], error) {
	if err := validateBatch(entries); err != nil {
		return nil, err
	}
	result := new(batchResult[R])
	for i, e := range entries {
		err := f.entryError(i)
		if err == nil {
			var done R
			if done, err = do(e); err == nil {
				result.Successful = append(result.Successful, done)
				continue
			}
		}
		failure, ok := errors.AsType[*sqserr.Error](err)
		if !ok {
			return nil, err
		}
		result.Failed = append(result.Failed, failedEntry{e.id(), failure.EntryCode(), failure.Message, failure.SenderFault()})
	}
	return result, nil
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func validateBatch[E batchEntry](entries []E) error {
	if len(entries) == 0 {
		return sqserr.EmptyBatch
	}
	if len(entries) > maxBatch {
		return sqserr.TooManyEntries
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !entryID.MatchString(e.id()) {
			return sqserr.EntryIDInvalid
		}
		if seen[e.id()] {
			return sqserr.EntryIDRepeated(e.id())
		}
		seen[e.id()] = true
	}
	return nil
}
