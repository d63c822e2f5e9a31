package email_test

import (
	"bytes"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/handlers/email"
)

// Whatever an event makes of subject and text, a mail has our headers and no others, its
// lines are as long as SMTP allows, and subject and text arrive.
func FuzzMailHasOurHeadersOnly(f *testing.F) {
	for _, seed := range []string{"", "Missed call", "a\r\nBcc: b@example.com\r\n\r\nc", "=?utf-8?q?=0d=0aBcc:?=", "=?8?q?@\x00dd=0aBcc:?=", " \t ", strings.Repeat("ä ", 200), strings.Repeat("x", 300), "\xff\x00\u2028\u0085."} {
		f.Add(seed, seed)
	}
	h, err := email.New(email.Config{URL: "smtps://mail.example.com", From: "Calls <calls@example.com>", To: []string{"sales@example.com"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, subject, text string) {
		content, err := h.Compose(&events.Event{Raw: []byte("{}")}, email.Message{Subject: subject, Text: text})
		if err != nil {
			t.Skip(err) // too large
		}
		for line := range bytes.SplitSeq(content, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("line %q", line)
			}
		}
		m, err := mail.ReadMessage(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%v in %q", err, content)
		}
		if len(m.Header) != 9 || m.Header.Get("Bcc") != "" {
			t.Fatalf("%d headers: %v", len(m.Header), m.Header)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if want := strings.Join(strings.Fields(subject), " "); err != nil || isPlain(subject) && !strings.Contains(subject, "=?") && len(want) <= 200 && got != want {
			t.Errorf("subject %q (%v), want %q", got, err, want)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil || isPlain(text) && string(body) != text {
			t.Errorf("text %q (%v), want %q", body, err, text)
		}
	})
}

// isPlain reports whether a text has printable characters of ASCII only.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
