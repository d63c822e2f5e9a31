package events_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"wildix-worker/events"
)

func TestLongTextsAreBriefInLogs(t *testing.T) {
	for _, text := range []string{"", "call-1", strings.Repeat("x", 256)} {
		if got := events.Brief(text); got != text {
			t.Errorf("%q is %q", text, got)
		}
	}
	for _, text := range []string{strings.Repeat("x", 257), strings.Repeat("é", 1000), strings.Repeat("\x80", 1000)} {
		got := events.Brief(text)
		if len(got) > 256 || !strings.HasSuffix(got, "…") || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%d bytes are %q", len(text), got)
		}
	}
}
