package template

import (
	"errors"
	"strings"
)

// MailType is the media type of an output that [ReadMail] reads.
const MailType = "text/plain"

// A Mail is the output of a template for mails.
type Mail struct {
	// Subject has one line without control characters.
	Subject string
	// Text is plain text.
	Text string
}

// ReadMail reads an output that has a line with the subject, an empty line, and the text:
//
//	Subject: Missed call
//
//	Nobody answered this call.
func ReadMail(output []byte) (Mail, error) {
	text := strings.ReplaceAll(string(output), "\r\n", "\n")
	head, text, ok := strings.Cut(strings.TrimLeft(text, "\n \t"), "\n\n")
	subject, isSubject := strings.CutPrefix(head, "Subject:")
	if !ok || !isSubject || strings.ContainsAny(subject, "\n\r") {
		return Mail{}, errors.New(`the template's output does not begin with a line such as "Subject: Missed call" and an empty line`)
	}
	subject = strings.TrimSpace(printable(subject))
	if subject == "" {
		return Mail{}, errors.New("the template's output has an empty subject")
	}
	return Mail{Subject: subject, Text: text}, nil
}
