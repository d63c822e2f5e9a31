package soak_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// Two integrations send to the queue. The secret of one is not valid for events of the
// other.
var (
	key      = signature.Key{IntegrationID: "8qkmnq", Secret: "a secret"}
	otherKey = signature.Key{IntegrationID: "k2x9fd", Secret: "the secret of another PBX"}
)

// A class is how a message must end.
type class int

const (
	valid     class = iota // handled
	permanent              // valid, but its handler fails permanently: a dead letter
	forged                 // without a valid signature: a dead letter
	malformed              // signed, but not an event: a dead letter

	classes = iota
)

func (c class) String() string {
	return [...]string{"valid", "permanent", "forged", "malformed"}[c]
}

// A message is one to be sent. It is identified by the id in its body, which contains
// its class and can't be guessed: a handler that gets the id gets it from a message.
type message struct {
	id      string
	class   class
	variant variant

	group string // on a FIFO queue
	after int    // the message that must be handled before it; negative if none
}

// A variant is one kind of message of a class. content returns a body with the id, and
// the signature attribute.
type variant struct {
	name    string
	content func(id string) (body string, sig attributes)
}

type attributes = map[string]types.MessageAttributeValue

var variants = [classes][]variant{
	valid:     {{"valid", signedEvent}},
	permanent: {{"permanent", signedEvent}},
	forged: {
		{"forged-secret", func(id string) (string, attributes) {
			return event(id), text(signature.Sign("a guess", []byte(event(id))))
		}},
		{"forged-replayed", func(id string) (string, attributes) {
			return event(id), text(signature.Sign(key.Secret, []byte(event("another"))))
		}},
		{"forged-altered", func(id string) (string, attributes) {
			return strings.Replace(event(id), "5555550123", "5555550124", 1), text(signature.Sign(key.Secret, []byte(event(id))))
		}},
		{"forged-unsigned", func(id string) (string, attributes) { return event(id), nil }},
		{"forged-uppercase", func(id string) (string, attributes) {
			return event(id), text(strings.ToUpper(signature.Sign(key.Secret, []byte(event(id)))))
		}},
		{"forged-binary", func(id string) (string, attributes) {
			binary := "Binary"
			return event(id), attributes{sqscall.SignatureAttribute: {DataType: &binary, BinaryValue: []byte(signature.Sign(key.Secret, []byte(event(id))))}}
		}},
		{"forged-integration", func(id string) (string, attributes) {
			return event(id), text(signature.Sign(otherKey.Secret, []byte(event(id))))
		}},
	},
	malformed: {
		{"malformed-cut", func(id string) (string, attributes) { return signed(event(id)[:200]) }},
		{"malformed-untyped", func(id string) (string, attributes) { return signed(fmt.Sprintf(`{"id":%q,"time":1693389853611}`, id)) }},
		{"malformed-ambiguous", func(id string) (string, attributes) {
			return signed(strings.Replace(event(id), `"data"`, `"integrationId":"k2x9fd","data"`, 1))
		}},
		{"malformed-text", func(id string) (string, attributes) { return signed("this is " + id) }},
	},
}

func signedEvent(id string) (string, attributes) { return signed(event(id)) }

func signed(body string) (string, attributes) {
	return body, text(signature.Sign(key.Secret, []byte(body)))
}

func text(sig string) attributes {
	dataType := "String"
	return attributes{sqscall.SignatureAttribute: {DataType: &dataType, StringValue: &sig}}
}

func event(id string) string {
	return fmt.Sprintf(`{"id":%q,"pbx":"221100001bab","time":1693389853611,"company":"it_w118741","type":"call:end","integrationId":%q,`+
		`"data":{"status":"CONNECTING","caller":{"type":"REMOTE","phone":"+15555550123","name":"","company":"Example Ltd","email":null},`+
		`"callee":{"type":"LOCAL","phone":"1001","name":"admin","userExtension":"1001","groupName":"Admin"},"destination":"10020",`+
		`"tags":[],"flags":[],"endCause":"21","endCauseStr":"Call Rejected","endBy":"CALLER"}}`, id, key.IntegrationID)
}

// messages are all those of one queue.
type messages []message

// shares is the number of messages of a class per thousand; the rest is valid. A FIFO
// queue gets no permanent ones: SQS would block the group of each until it is a dead
// letter, and the soak would have to wait for that.
var shares = [classes]int{permanent: 10, forged: 20, malformed: 10}

// On a FIFO queue, messages are spread over openGroups groups until each has groupSize.
const (
	openGroups = 200
	groupSize  = 20
)

// newMessages returns n random messages.
func newMessages(n int, fifo bool) messages {
	all := make(messages, n)
	last := make(map[string]int) // valid message by group
	for i := range all {
		c := randomClass()
		if fifo && c == permanent {
			c = valid
		}
		v := variants[c][mathrand.IntN(len(variants[c]))]
		all[i] = message{id: fmt.Sprintf("%s-%d-%s", v.name, i, rand.Text()), class: c, variant: v, after: -1}
		if !fifo {
			continue
		}
		all[i].group = fmt.Sprintf("call-%d-%d", i/(openGroups*groupSize), i%openGroups)
		if c == valid {
			if before, ok := last[all[i].group]; ok {
				all[i].after = before
			}
			last[all[i].group] = i
		}
	}
	return all
}

func randomClass() class {
	n := mathrand.IntN(1000)
	for c, share := range shares {
		if n -= share; n < 0 {
			return class(c)
		}
	}
	return valid
}

var idPattern = regexp.MustCompile(`(?:valid|permanent|forged|malformed)[a-z-]*-(\d+)-[A-Z2-7]{26}`)

// find returns the message whose id is in the text. hasID reports whether the text has an
// id, even if it is that of no message.
func (ms messages) find(text []byte) (n int, hasID, ok bool) {
	m := idPattern.FindSubmatch(text)
	if m == nil {
		return 0, false, false
	}
	n, err := strconv.Atoi(string(m[1]))
	return n, true, err == nil && n < len(ms) && ms[n].id == string(m[0])
}
