package sqscall

import (
	"cmp"
	"iter"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// EntryID returns the id of the batch entry at an index. A message's id can't be used: a
// message may be received again, with the same id, while it is in a batch.
func EntryID(i int) *string { return aws.String(strconv.Itoa(i)) }

// Failures returns the error codes of the entries that were not done, by entry id. The
// code is NoCode if the answer has none, and NotInAnswer if the answer does not mention
// the entry. It returns nil if all were done.
func Failures(entries int, done []*string, failed []types.BatchResultErrorEntry) map[string]string {
	if len(done) == entries && len(failed) == 0 && inOrder(done) {
		return nil // the usual case
	}
	codes := make(map[string]string)
	for i := range entries {
		codes[*EntryID(i)] = "NotInAnswer"
	}
	for _, id := range done {
		delete(codes, aws.ToString(id))
	}
	for _, entry := range failed {
		codes[aws.ToString(entry.Id)] = cmp.Or(aws.ToString(entry.Code), "NoCode")
	}
	return codes
}

// inOrder reports whether the ids are those of the first entries, in order, as servers
// usually return them.
func inOrder(done []*string) bool {
	for i, id := range done {
		if aws.ToString(id) != *EntryID(i) {
			return false
		}
	}
	return true
}

// Batches splits items into those of one batch call each: at most MaxBatch items, of at
// most MaxSize bytes together. An item that is larger gets its own batch. Size may be
// nil for entries without a body.
func Batches[T any](items []T, size func(T) int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(items) > 0 {
			n := batchLength(items, size)
			if !yield(items[:n]) {
				return
			}
			items = items[n:]
		}
	}
}

func batchLength[T any](items []T, size func(T) int) int {
	if size == nil {
		return min(len(items), MaxBatch)
	}
	total := 0
	for i, item := range items {
		total += size(item)
		if i > 0 && total > MaxSize || i == MaxBatch {
			return i
		}
	}
	return len(items)
}
