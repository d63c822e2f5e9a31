package sqscall

import (
	"bytes"
	"unicode/utf8"
)

// IsGroupID reports whether SQS and SNS accept the text as a message group id.
func IsGroupID(text string) bool {
	const maxLength = 128
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxLength
}

// HasValidCharacters reports whether SQS accepts the characters of a body. It does not check
// for control characters, which SQS refuses too, since valid JSON has none.
func HasValidCharacters(body []byte) bool {
	return utf8.Valid(body) && !bytes.Contains(body, []byte("\ufffe")) && !bytes.Contains(body, []byte("\uffff"))
}
