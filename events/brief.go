package events

import "unicode/utf8"

// maxBrief is how many bytes of a text Brief keeps. The texts that a PBX sends are shorter.
const maxBrief = 256

// Brief returns the beginning of a text of the sender, at most 256 bytes, for a log line or
// an error. An id may be as long as its event, up to 1 MiB.
func Brief(text string) string {
	if len(text) <= maxBrief {
		return text
	}
	end := maxBrief - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
