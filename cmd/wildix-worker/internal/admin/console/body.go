package console

import (
	"bytes"
	"encoding/json"
	"strings"

	"wildix-worker/events"
)

// maxIndent is how many levels of a body are indented. What is deeper stands below the last
// one, so that a body of brackets does not become a body of spaces.
const maxIndent = 12

// body returns the JSON of an event on several lines, masked. Names of persons may be in any
// field, so that all values are masked but those of plainFields. Nobody sees the value of a
// field whose name says that it is a secret. If whole is false, raw is the beginning of a body.
func (m mask) body(raw []byte, whole bool) string {
	p := bodyPrinter{mask: m}
	tokens := json.NewDecoder(bytes.NewReader(raw))
	tokens.UseNumber()
	for {
		token, err := tokens.Token()
		if err != nil || !whole && tokens.InputOffset() == int64(len(raw)) { // a part of a token
			break
		}
		p.print(token)
	}
	if !whole {
		p.newLine()
		p.out.WriteString("…")
	}
	return p.out.String()
}

// A bodyPrinter prints the tokens of a body.
type bodyPrinter struct {
	mask   mask
	out    strings.Builder
	levels []level // of the objects and arrays that are open
	hidden int     // how many of them are in the value of a secret
}

// A level is an object or array that is being printed.
type level struct {
	object bool
	inKey  bool   // the next token is a key, or the end of the object
	key    string // of the value, in lower case; in an array, that of the array
	empty  bool
}

func (p *bodyPrinter) print(token json.Token) {
	switch token {
	case json.Delim('{'), json.Delim('['):
		p.open(token == json.Delim('{'), token.(json.Delim))
	case json.Delim('}'), json.Delim(']'):
		p.close(token.(json.Delim))
	default:
		if key, ok := token.(string); ok && p.atKey() {
			p.printKey(key)
			return
		}
		p.printValue(token)
	}
}

func (p *bodyPrinter) open(object bool, bracket json.Delim) {
	if p.hidden > 0 || isSecret(p.key()) {
		p.hidden++
	} else {
		p.before()
		p.out.WriteRune(rune(bracket))
	}
	p.levels = append(p.levels, level{object: object, inKey: object, key: p.key(), empty: true})
}

func (p *bodyPrinter) close(bracket json.Delim) {
	last := p.levels[len(p.levels)-1]
	p.levels = p.levels[:len(p.levels)-1]
	switch {
	case p.hidden > 1:
		p.hidden--
	case p.hidden == 1:
		p.hidden = 0
		p.before()
		p.out.WriteString(quoted(secretMask))
	default:
		if !last.empty {
			p.newLine()
		}
		p.out.WriteRune(rune(bracket))
	}
	p.after()
}

func (p *bodyPrinter) printKey(key string) {
	at := &p.levels[len(p.levels)-1]
	at.inKey, at.key = false, strings.ToLower(key)
	if p.hidden > 0 {
		return
	}
	p.separate(at)
	p.out.WriteString(quoted(p.mask.hideIn(key)) + ": ")
}

func (p *bodyPrinter) printValue(token json.Token) {
	if p.hidden == 0 {
		p.before()
		p.out.WriteString(p.value(token))
	}
	p.after()
}

// before starts the line of a value in an array. In an object, the key has done so.
func (p *bodyPrinter) before() {
	if len(p.levels) > 0 && !p.levels[len(p.levels)-1].object {
		p.separate(&p.levels[len(p.levels)-1])
	}
}

// after must be called after a value.
func (p *bodyPrinter) after() {
	if len(p.levels) > 0 {
		at := &p.levels[len(p.levels)-1]
		at.inKey = at.object
	}
}

func (p *bodyPrinter) separate(at *level) {
	if !at.empty {
		p.out.WriteByte(',')
	}
	at.empty = false
	p.newLine()
}

func (p *bodyPrinter) newLine() {
	p.out.WriteByte('\n')
	p.out.WriteString(strings.Repeat("  ", min(len(p.levels), maxIndent)))
}

func (p *bodyPrinter) atKey() bool { return len(p.levels) > 0 && p.levels[len(p.levels)-1].inKey }

// key returns the key that the next value belongs to.
func (p *bodyPrinter) key() string {
	if len(p.levels) == 0 {
		return ""
	}
	return p.levels[len(p.levels)-1].key
}

// value returns a masked value that is no object or array.
func (p *bodyPrinter) value(token json.Token) string {
	key := p.key()
	switch v := token.(type) {
	case string:
		return quoted(p.text(key, v))
	case json.Number:
		number := v.String()
		switch {
		case isSecret(key):
			return quoted(secretMask)
		case !p.mask.off && !plainFields[key]:
			return quoted(events.MaskNumber(number))
		}
		return cut(number, maxText)
	case bool:
		if v {
			return "true"
		}
		return "false"
	default:
		return "null"
	}
}

func (p *bodyPrinter) text(key, s string) string {
	switch {
	case isSecret(key):
		return secretMask
	case p.mask.off:
		return withoutSecrets(s)
	case plainFields[key]:
		return withoutSecrets(events.MaskText(s))
	case p.isID(key):
		return withoutSecrets(events.MaskID(s))
	default:
		return masked(s)
	}
}

// isID reports whether a key is that of an id of the PBX, or of a call, whose digits are no
// phone number. Deeper in the data there are ids of persons.
func (p *bodyPrinter) isID(key string) bool {
	switch key {
	case "id", "pbx", "company", "integrationid":
		return len(p.levels) == 1 || len(p.levels) == 2 && key != "company"
	default:
		return false
	}
}

// plainFields are the fields, in lower case, that name no person. In their texts, what looks
// like a number or email is masked.
var plainFields = map[string]bool{
	"type": true, "time": true, "status": true, "service": true, "direction": true, "flags": true, "role": true,
	"license": true, "licenses": true, "trunkname": true, "trunkdirection": true, "queuename": true, "queueid": true,
	"groupname": true, "groupid": true, "endcause": true, "endcausestr": true, "endby": true,
	"flowindex": true, "starttime": true, "endtime": true, "duration": true, "connecttime": true, "talktime": true,
	"waittime": true, "callstatus": true, "channel": true, "parts": true, "until": true,
	"start": true, "end": true, "waited": true,
}

// quoted returns a JSON string in which control characters, and those that change the writing
// direction, are escapes.
func quoted(s string) string { return `"` + visible(s) + `"` }
