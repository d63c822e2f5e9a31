package events

import "unicode/utf8"

// MaskNumber returns a phone number with all but its last two characters replaced by ***,
// so that a known number can be recognised. A shorter number is masked completely. An
// empty one stays empty.
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
