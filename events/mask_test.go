package events_test

import (
	"testing"

	"wildix-worker/events"
)

func TestMaskedNumberKeepsItsLastTwoCharacters(t *testing.T) {
	for number, want := range map[string]string{
		"+12025550100": "***00", "201": "***01", "42": "***", "7": "***", "": "", "12é": "***2é", "1é": "***", "\xff\xff\xff": "***\xff\xff",
	} {
		if got := events.MaskNumber(number); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
}

func TestTextsHaveNoNumbersAndEmails(t *testing.T) {
	for text, want := range map[string]string{
		"call 0461_171_5112 failed":             "call ***12 failed",
		"call +1\t202\t555\t0100":               "call ***00",
		"call 1 202\u200b555\u20600100":         "call ***00",
		"mail ann＠example.com, bob﹫example.com": "mail ***@***, ***@***",
		"dial tcp 192.0.2.1:5432: refused":      "dial tcp 192.0.2.1:5432: refused",
		"3 of 10 at 15:04":                      "3 of 10 at 15:04",
	} {
		if got := events.MaskText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestIDThatIsAPhoneNumberIsMasked(t *testing.T) {
	for id, want := range map[string]string{
		"+12025550100": "***00", "12025550100": "***00", "ann@example.com": "***@***",
		"example_1795784394739028.1": "example_1795784394739028.1", "1795784394739028": "1795784394739028", "1795784394.739028": "1795784394.739028", "": "",
	} {
		if got := events.MaskID(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}
