package soak_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/signature"
)

// Two integrations send to the queue. The secret of one does not sign for the
// other.
var (
	key      = signature.Key{IntegrationID: "8qkmnq", Secret: "a secret"}
	otherKey = signature.Key{IntegrationID: "k2x9fd", Secret: "the secret of another PBX"}
)

// A class is what has to become of a letter.
type class int

const (
	valid     class = iota // handled
	refused                // a valid one that its handler never wants again: a dead letter
	forged                 // a dead letter
	malformed              // the same, signed but no event

	classes = iota
)

func (c class) String() string {
	return [...]string{"valid", "refused", "forged", "malformed"}[c]
}

// A letter is a message to be sent, known by the id in its body. The id says
// what class it is, and can't be guessed: a worker that hands it to a handler
// has read it in a message.
type letter struct {
	id    string
	class class
	way   way

	group string // on a FIFO queue
	after int    // the letter that has to be handled before it; none if negative
}

// A way is one of the ways to be of a class: it writes a body with the id and
// its signature attribute.
type way struct {
	name  string
	write func(id string) (body string, sig attributes)
}

type attributes = map[string]types.MessageAttributeValue

var ways = [classes][]way{
	valid:   {{"valid", properly}},
	refused: {{"refused", properly}},
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
			return event(id), attributes{"X-SIGNATURE": {DataType: &binary, BinaryValue: []byte(signature.Sign(key.Secret, []byte(event(id))))}}
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

func properly(id string) (string, attributes) { return signed(event(id)) }

func signed(body string) (string, attributes) {
	return body, text(signature.Sign(key.Secret, []byte(body)))
}

func text(sig string) attributes {
	dataType := "String"
	return attributes{"X-SIGNATURE": {DataType: &dataType, StringValue: &sig}}
}

func event(id string) string {
	return fmt.Sprintf(`{"id":%q,"pbx":"221100001bab","time":1693389853611,"company":"it_w118741","type":"call:end","integrationId":%q,`+
		`"data":{"status":"CONNECTING","caller":{"type":"REMOTE","phone":"+15555550123","name":"","company":"Example Ltd","email":null},`+
		`"callee":{"type":"LOCAL","phone":"1001","name":"admin","userExtension":"1001","groupName":"Admin"},"destination":"10020",`+
		`"tags":[],"flags":[],"endCause":"21","endCauseStr":"Call Rejected","endBy":"CALLER"}}`, id, key.IntegrationID)
}

// letters are all those of one queue.
type letters []letter

// shares of a class in a thousand letters; the rest is valid. There are no
// refused ones on a FIFO queue: SQS would hold back the group of each for as many
// leases as it takes to make it a dead letter, and the soak would wait for that.
var shares = [classes]int{refused: 10, forged: 20, malformed: 10}

// Groups of a FIFO queue are written to in turn, so many at a time.
const (
	openGroups = 200
	groupSize  = 20
)

// write makes up n letters.
func write(n int, fifo bool) letters {
	all := make(letters, n)
	last := make(map[string]int) // valid letter by group
	for i := range all {
		c := drawClass()
		if fifo && c == refused {
			c = valid
		}
		way := ways[c][mathrand.IntN(len(ways[c]))]
		all[i] = letter{id: fmt.Sprintf("%s-%d-%s", way.name, i, rand.Text()), class: c, way: way, after: -1}
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

func drawClass() class {
	dice := mathrand.IntN(1000)
	for c, share := range shares {
		if dice -= share; dice < 0 {
			return class(c)
		}
	}
	return valid
}

var idPattern = regexp.MustCompile(`(?:valid|refused|forged|malformed)[a-z-]*-(\d+)-[A-Z2-7]{26}`)

// find returns the letter whose id is in the text. claimed tells that there is
// what looks like an id, even if it is none of these letters'.
func (l letters) find(text []byte) (n int, claimed, ok bool) {
	m := idPattern.FindSubmatch(text)
	if m == nil {
		return 0, false, false
	}
	n, err := strconv.Atoi(string(m[1]))
	return n, true, err == nil && n < len(l) && l[n].id == string(m[0])
}
