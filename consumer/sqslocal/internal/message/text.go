package message

import (
	"fmt"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// validateText returns an error for characters that SQS does not carry; where names the part of the message in the error.
func validateText(text, where string) error {
	for _, c := range text {
		switch {
		case c >= 0x20 && c <= 0xD7FF, c == '\t', c == '\n', c == '\r', c >= 0xE000 && c <= 0xFFFD, c >= 0x10000:
		default:
			return sqserr.InvalidContents(fmt.Sprintf("Invalid binary character '#x%X' was found in the %s, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", c, where))
		}
	}
	return nil
}

// validID reports whether id can be a message group or deduplication id. The empty string is valid: whether an id is required
// depends on the queue.
func validID(id string) bool {
	for _, c := range id {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(id) <= 128
}
