package events

import "unicode/utf8"

// MaskNumber hides a phone number but for its last two characters, as much as helps to
// recognise one's own. What is no longer than that is hidden whole; none stays none.
func MaskNumber(number string) string {
	const mask = "***"
	if number == "" {
		return ""
	}
	rest := number
	for range 2 {
		_, size := utf8.DecodeLastRuneInString(rest)
		rest = rest[:len(rest)-size]
	}
	if rest == "" {
		return mask
	}
	return mask + number[len(rest):]
}
