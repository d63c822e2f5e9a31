// Package exportfile is the format of the file that dlq export writes and send reads. Each
// line is a JSON object with one message: its body and all attributes.
package exportfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

// A Message is a message as a line of the file holds it. The line may have more fields.
type Message struct {
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	System     map[string]string    `json:"systemAttributes,omitempty"`
	Body       string               `json:"body,omitempty"`
	BodyBase64 []byte               `json:"bodyBase64,omitempty"` // of a body that is not valid UTF-8
}

// An Attribute is a message attribute.
type Attribute struct {
	Type   string `json:"type"`
	Value  string `json:"value,omitempty"`
	Binary []byte `json:"binary,omitempty"`
}

// Of returns the Message for a message of SQS.
func Of(m *types.Message) Message {
	e := Message{System: m.Attributes, Attributes: make(map[string]Attribute)}
	for name, a := range m.MessageAttributes {
		e.Attributes[name] = Attribute{aws.ToString(a.DataType), aws.ToString(a.StringValue), a.BinaryValue}
	}
	if body := aws.ToString(m.Body); utf8.ValidString(body) {
		e.Body = body
	} else {
		e.BodyBase64 = []byte(body)
	}
	return e
}

// Read returns the messages of a file. The name "-" is standard input.
func Read(name string) ([]outgoing.Message, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var messages []outgoing.Message
	for lines := json.NewDecoder(in); ; {
		var e Message
		err := lines.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		var m outgoing.Message
		if err == nil {
			m, err = e.Outgoing()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: message %d: %w", name, len(messages)+1, err)
		}
		messages = append(messages, m)
	}
	if len(messages) == 0 {
		return nil, fmt.Errorf("%s holds no message", name)
	}
	return messages, nil
}

// Outgoing returns the message to send again, with its body and its signature. Other
// attributes are dropped, since a PBX sends none.
func (e *Message) Outgoing() (outgoing.Message, error) {
	m := outgoing.Message{Type: "event", Call: e.System[string(types.MessageSystemAttributeNameMessageGroupId)], Body: e.BodyBase64}
	if e.Body != "" {
		m.Body = []byte(e.Body)
	}
	if len(m.Body) == 0 {
		return m, errors.New("no body; was the file written by dlq export?")
	}
	if a := e.Attributes[sqscall.SignatureAttribute]; a.Type == "String" {
		m.Signature = a.Value
	}
	if event, err := events.Decode(m.Body); err == nil {
		m.Type = event.Type
		if m.Call == "" {
			m.Call = event.ID
		}
	}
	if m.Call == "" {
		m.Call = "exported"
	}
	return m, nil
}
