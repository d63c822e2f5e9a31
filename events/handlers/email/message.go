package email

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"wildix-worker/events"
	"wildix-worker/signature"
)

// A Message is what a mail says.
type Message struct {
	// Subject is one line. Control characters in it become spaces. What is longer than 200
	// characters is cut.
	Subject string
	// Text is plain text, at most 1 MiB.
	Text string
}

const (
	maxSubject = 200     // characters
	maxText    = 1 << 20 // bytes
)

func (m Message) isEmpty() bool {
	return strings.TrimSpace(m.Subject) == "" && strings.TrimSpace(m.Text) == ""
}

// compose returns the mail of an event, headers included.
func compose(from *mail.Address, to []*mail.Address, e *events.Event, m Message) ([]byte, error) {
	if len(m.Text) > maxText {
		return nil, events.Permanent(fmt.Errorf("the mail's text has %d bytes, more than %d", len(m.Text), maxText))
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to...)
	// What looks like an encoded word is shown as it is, and not decoded by a mail program.
	msg.Subject(strings.ReplaceAll(oneLine(m.Subject, maxSubject), "=?", "= ?"))
	msg.SetMessageIDWithValue(messageID(from, to, e))
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if e.Replay {
		msg.SetGenHeader("X-Wildix-Replay", "true")
	}
	msg.SetBodyString(gomail.TypeTextPlain, strings.ToValidUTF8(m.Text, "\ufffd"))
	var content bytes.Buffer
	if _, err := msg.WriteTo(&content); err != nil {
		return nil, events.Permanent(fmt.Errorf("the mail can't be written: %w", err))
	}
	return content.Bytes(), nil
}

// messageID returns the Message-ID of an event's mail, without the angle brackets.
func messageID(from *mail.Address, to []*mail.Address, e *events.Event) string {
	var of strings.Builder
	of.WriteString(e.DeliveryKey())
	for _, a := range append([]*mail.Address{from}, to...) {
		of.WriteString("\n" + a.Address)
	}
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	return signature.Digest([]byte(of.String())) + "@" + domain
}

// oneLine returns a text of at most limit characters, with spaces in place of control
// characters and line breaks.
func oneLine(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == ' ' || r == '\u2028' || r == '\u2029'
	}), " ")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}
