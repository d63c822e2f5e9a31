package sqscall

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// EntryID is the id of the batch entry at a position. Message ids would not do:
// a message may be received again, with the same id, while it is in a batch.
func EntryID(i int) *string { return aws.String(strconv.Itoa(i)) }

// Failures returns the error code of each entry that was not done. One that an
// answer does not mention was not done either.
func Failures(entries int, done []*string, failed []types.BatchResultErrorEntry) map[string]string {
	if len(done) == entries {
		return nil
	}
	codes := make(map[string]string)
	for i := range entries {
		codes[*EntryID(i)] = "NotInAnswer"
	}
	for _, id := range done {
		delete(codes, aws.ToString(id))
	}
	for _, entry := range failed {
		codes[aws.ToString(entry.Id)] = aws.ToString(entry.Code)
	}
	return codes
}
