package sqscall

import (
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/jsonscan"
)

// An answer is the JSON that answers a receive.
type answer struct {
	*jsonscan.Decoder
	texts   []string // with room for further ones, which the messages point to
	unusual bool
}

// readMessages returns the messages of an answer as the SDK reads them. It returns false
// unless the answer is as SQS writes it, in UTF-8 and with nothing but texts: then only the SDK
// knows what it means, or why it is wrong.
func readMessages(body []byte) ([]types.Message, bool) {
	if !utf8.Valid(body) {
		return nil, false
	}
	a := &answer{Decoder: jsonscan.NewDecoder(body, nil, len(body))}
	var messages []types.Message
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

func (a *answer) messages() []types.Message {
	if a.Peek() != '[' {
		a.unusual = true
	}
	messages := make([]types.Message, 0, MaxBatch)
	a.ReadArray(func() { messages = append(messages, a.message()) })
	return messages
}

func (a *answer) message() (m types.Message) {
	a.object(func(name []byte) bool {
		switch string(name) {
		case "MessageId":
			return a.text(&m.MessageId)
		case "ReceiptHandle":
			return a.text(&m.ReceiptHandle)
		case "Body":
			return a.text(&m.Body)
		case "MD5OfBody":
			return a.text(&m.MD5OfBody)
		case "MD5OfMessageAttributes":
			return a.text(&m.MD5OfMessageAttributes)
		case "Attributes":
			m.Attributes = a.systemAttributes()
		case "MessageAttributes":
			m.MessageAttributes = a.attributes()
		default:
			return false
		}
		return true
	})
	return m
}

// systemAttributes reads the attributes that SQS has given a message.
func (a *answer) systemAttributes() map[string]string {
	attributes := make(map[string]string)
	a.object(func(name []byte) bool {
		key := a.name(name)
		if a.Peek() != '"' {
			return false
		}
		attributes[key] = a.String()
		return true
	})
	return attributes
}

// attributes reads the attributes that the sender has given a message.
func (a *answer) attributes() map[string]types.MessageAttributeValue {
	attributes := make(map[string]types.MessageAttributeValue)
	a.object(func(name []byte) bool {
		key := a.name(name)
		var value types.MessageAttributeValue
		a.object(func(name []byte) bool {
			switch string(name) {
			case "DataType":
				return a.text(&value.DataType)
			case "StringValue":
				return a.text(&value.StringValue)
			}
			return false
		})
		attributes[key] = value
		return true
	})
	return attributes
}

// name returns the name of an attribute. The usual ones need no memory.
func (a *answer) name(name []byte) string {
	for _, usual := range usualNames {
		if string(name) == usual {
			return usual
		}
	}
	return a.Keep(name)
}

var usualNames = []string{
	SignatureAttribute,
	string(types.MessageSystemAttributeNameApproximateReceiveCount),
	string(types.MessageSystemAttributeNameSentTimestamp),
	string(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp),
	string(types.MessageSystemAttributeNameMessageGroupId),
}

// text reads a text.
func (a *answer) text(text **string) bool {
	if a.Peek() != '"' {
		return false
	}
	const each = 6 // texts of a message, without the system attributes
	if len(a.texts) == cap(a.texts) {
		a.texts = make([]string, 0, each*MaxBatch)
	}
	a.texts = append(a.texts, a.String())
	*text = &a.texts[len(a.texts)-1]
	return true
}
