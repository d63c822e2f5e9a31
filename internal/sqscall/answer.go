package sqscall

import (
	"bytes"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/jsonscan"
)

// An answer is the JSON that answers a receive.
type answer struct {
	*jsonscan.Decoder
	*scratch
	unusual bool
}

// scratch is memory to read one message after the other into.
type scratch struct {
	answer bytes.Buffer
	body   []byte
	texts  []byte // that the message keeps, besides its body
	other  []byte // for a text that it does not keep, or two that it keeps in one piece
}

// read returns the messages of an answer, as MessageOf makes them of what the SDK reads. It
// returns false unless the answer is as SQS writes it, in UTF-8 and with nothing but texts: then
// only the SDK knows what it means, or why it is wrong.
func (s *scratch) read() ([]Message, bool) {
	text := s.answer.Bytes()
	if !utf8.Valid(text) {
		return nil, false
	}
	a := &answer{Decoder: jsonscan.NewDecoder(text, nil, 0), scratch: s}
	var messages []Message
	a.object(func(name []byte) bool {
		if string(name) != "Messages" {
			return false
		}
		messages = a.messages()
		return true
	})
	return messages, a.End() == nil && !a.unusual
}

// object reads the fields of an object. An answer with a field that read does not know is
// unusual.
func (a *answer) object(read func(name []byte) bool) {
	if a.Peek() != '{' {
		a.unusual = true
	}
	a.ReadObject(func(name []byte) bool {
		if a.unusual || name == nil || !read(name) {
			a.unusual = true
			a.Skip()
		}
		return true
	})
}

func (a *answer) messages() []Message {
	if a.Peek() != '[' {
		a.unusual = true
	}
	messages := make([]Message, 0, MaxBatch)
	a.ReadArray(func() { messages = append(messages, a.message()) })
	return messages
}

// A span is where one of the texts of a message is among all of them.
type span struct{ from, to int }

func (s span) size() int { return s.to - s.from }

// join returns two of the texts in one piece, and the size of the first.
func (a *answer) join(first, second span) (text string, size int) {
	a.other = append(append(a.other[:0], a.texts[first.from:first.to]...), a.texts[second.from:second.to]...)
	return string(a.other), first.size()
}

func (a *answer) message() Message {
	m := Message{ReceiveCount: 1}
	a.body, a.texts = a.body[:0], a.texts[:0]
	var id, handle, group, signature span
	a.object(func(name []byte) bool {
		switch string(name) {
		case "MessageId":
			return a.keep(&id)
		case "ReceiptHandle":
			return a.keep(&handle)
		case "Body":
			return a.text(&a.body)
		case "MD5OfBody", "MD5OfMessageAttributes":
			return a.text(&a.other)
		case "Attributes":
			group = span{}
			m.ReceiveCount, m.Sent, m.FirstReceived = 1, 0, 0
			return a.system(&m, &group)
		case "MessageAttributes":
			signature = span{}
			return a.attributes(&signature)
		}
		return false
	})
	m.Body = append([]byte{}, a.body...)
	if id.size() == 0 {
		id = handle
	}
	m.Receipt, m.IDSize = a.join(id, handle)
	m.Texts, m.SignatureSize = a.join(signature, group)
	return m
}

// system reads the attributes that SQS has given a message.
func (a *answer) system(m *Message, group *span) bool {
	a.object(func(name []byte) bool {
		switch types.MessageSystemAttributeName(name) {
		case types.MessageSystemAttributeNameMessageGroupId:
			return a.keep(group)
		case types.MessageSystemAttributeNameApproximateReceiveCount:
			ok := a.text(&a.other)
			m.ReceiveCount = receiveCount(string(a.other))
			return ok
		case types.MessageSystemAttributeNameSentTimestamp:
			ok := a.text(&a.other)
			m.Sent = millis(string(a.other))
			return ok
		case types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp:
			ok := a.text(&a.other)
			m.FirstReceived = millis(string(a.other))
			return ok
		}
		return a.text(&a.other)
	})
	return true
}

// attributes reads the attributes that the sender has given a message. All must be texts.
func (a *answer) attributes(signature *span) bool {
	a.object(func(name []byte) bool {
		isSignature := string(name) == SignatureAttribute
		isText, hasValue := false, false
		a.object(func(name []byte) bool {
			switch string(name) {
			case "DataType":
				ok := a.text(&a.other)
				isText = string(a.other) == textType
				return ok
			case "StringValue":
				hasValue = true
				if isSignature {
					return a.keep(signature)
				}
				return a.text(&a.other)
			}
			return false
		})
		return isText && hasValue
	})
	return true
}

// text reads a text.
func (a *answer) text(into *[]byte) bool {
	if a.Peek() != '"' {
		return false
	}
	*into = a.AppendString((*into)[:0])
	return true
}

// keep reads a text that the message keeps.
func (a *answer) keep(at *span) bool {
	if a.Peek() != '"' {
		return false
	}
	at.from = len(a.texts)
	a.texts = a.AppendString(a.texts)
	at.to = len(a.texts)
	return true
}
