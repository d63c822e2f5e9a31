package sqslocal

import (
	"errors"
	"regexp"
)

const maxBatch = 10

// batchResult sorts the entries of a batch, by what became of them.
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

// runBatch does each entry of a batch by itself: some may fail and others succeed. The error is for a batch that is refused as a
// whole, of which nothing was done.
func runBatch[E batchEntry, R any](r *request, entries []E, do func(E) (R, error)) (*batchResult[R], error) {
	if err := checkBatch(entries); err != nil {
		return nil, err
	}
	result := new(batchResult[R])
	for i, e := range entries {
		err := r.fault.failEntry(i)
		if err == nil {
			var done R
			if done, err = do(e); err == nil {
				result.Successful = append(result.Successful, done)
				continue
			}
		}
		refusal, ok := errors.AsType[*apiError](err)
		if !ok {
			return nil, err
		}
		result.Failed = append(result.Failed, failedEntry{e.id(), refusal.entryCode(), refusal.message, refusal.senderFault()})
	}
	return result, nil
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func checkBatch[E batchEntry](entries []E) error {
	if len(entries) == 0 {
		return errEmptyBatch
	}
	if len(entries) > maxBatch {
		return errTooManyEntries
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !entryID.MatchString(e.id()) {
			return errEntryIDInvalid
		}
		if seen[e.id()] {
			return errEntryIDRepeated(e.id())
		}
		seen[e.id()] = true
	}
	return nil
}
