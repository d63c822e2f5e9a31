package sqscall

import (
	"cmp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// EntryID is the id of the batch entry at a position. Message ids would not do:
// a message may be received again, with the same id, while it is in a batch.
func EntryID(i int) *string { return aws.String(strconv.Itoa(i)) }

// Failures returns the error code of each entry that was not done, by its id: of one
// that failed, and of one that an answer does not mention.
func Failures(entries int, done []*string, failed []types.BatchResultErrorEntry) map[string]string {
	if len(done) == entries && len(failed) == 0 && inOrder(done) {
		return nil // as usual
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

// inOrder reports whether the ids are those of all entries, as servers answer.
func inOrder(done []*string) bool {
	for i, id := range done {
		if aws.ToString(id) != *EntryID(i) {
			return false
		}
	}
	return true
}
