package events

import "unicode/utf8"

// MaskNumber returns a phone number with all but its last two characters replaced
// by ***, which is enough to recognise a number that one knows. A shorter number is
// masked whole. An empty one stays empty.
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
