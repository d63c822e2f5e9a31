package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/events"
)

// readExported returns the messages of a file that dlq export wrote.
func readExported(name string) ([]outgoing, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("--exported: %w", err)
		}
		defer f.Close()
		in = f
	}
	var messages []outgoing
	for lines := json.NewDecoder(in); ; {
		var e exported
		err := lines.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("--exported: %s: message %d: %w", name, len(messages)+1, err)
		}
		m, err := e.outgoing()
		if err != nil {
			return nil, fmt.Errorf("--exported: %s: message %d: %w", name, len(messages)+1, err)
		}
		messages = append(messages, m)
	}
	if len(messages) == 0 {
		return nil, fmt.Errorf("--exported: %s holds no message", name)
	}
	return messages, nil
}

// outgoing is the message to be sent again: its body and its signature. A PBX sends
// no other attribute.
func (e *exported) outgoing() (outgoing, error) {
	m := outgoing{eventType: "event", call: e.System[string(types.MessageSystemAttributeNameMessageGroupId)], body: e.BodyBase64}
	if e.Body != "" {
		m.body = []byte(e.Body)
	}
	if len(m.body) == 0 {
		return m, errors.New("it has no body; was the file written by dlq export?")
	}
	if a := e.Attributes[signatureAttribute]; a.Type == "String" {
		m.signature = a.Value
	}
	if event, err := events.Decode(m.body); err == nil {
		m.eventType = event.Type
		if m.call == "" {
			m.call = event.ID
		}
	}
	if m.call == "" {
		m.call = "exported"
	}
	return m, nil
}
