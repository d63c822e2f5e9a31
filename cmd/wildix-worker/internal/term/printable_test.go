package term

import (
	"encoding/json"
	"testing"
	"unicode"
)

func TestColumnHasItsWidth(t *testing.T) {
	for s, want := range map[string]string{
		"":            "      ",
		"abc":         "abc   ",
		"abcdef":      "abcdef",
		"abcdefg":     "abcde…",
		"日本語":         "日本語",
		"日本語!":        "日本… ",
		"e\u0301te":   "e\u0301te   ",
		"a\x1b[2Jbcd": "a\ufffd[2J…",
		"\u202e\xff":  "\ufffd\ufffd    ",
		"a\u3000b":    "a\u3000b  ",
	} {
		if got := Column(s, 6); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func TestCharactersThatAreNoControlsStay(t *testing.T) {
	for _, s := range []string{"Ada\u3000Example", "Ada\u00a0Example", "👩\u200d💻", "\u0646\u200c\u0645", "a\u2009b", "co\u00adop", "🏴\U000e0067\U000e007f", "\ue000"} {
		if got := Printable(s); got != s {
			t.Errorf("%q is shown as %q", s, got)
		}
	}
	for _, s := range []string{"\x1b", "\x00", "\n", "\r", "\t", "\x7f", "\u0085", "\u009b", "\u202e", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\xff"} {
		if got := Printable(s); got != "\ufffd" {
			t.Errorf("%q is shown as %q", s, got)
		}
	}
}

func FuzzOnlyPrintableTextReachesTheTerminal(f *testing.F) {
	f.Add("Ada \x1b[31m\u009b2J\u202eExample\r\n\x07")
	f.Add("\U000e0001\xff\u2028😀")
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		inJSON := PrintableJSON(text)
		for _, shown := range []string{Printable(s), Column(s, 10), string(inJSON)} {
			for _, r := range shown {
				if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
					t.Fatalf("%q shows as %q", s, shown)
				}
			}
		}
		var want, got string
		if json.Unmarshal(text, &want) != nil || json.Unmarshal(inJSON, &got) != nil || got != want {
			t.Fatalf("%s means %q, want %q", inJSON, got, want)
		}
	})
}
