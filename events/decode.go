package events

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// An envelope is an event while it is read, with what has to be checked before
// it may pass for one. Data is read as a call's: nearly all events are about
// calls, and their type may come last.
type envelope struct {
	event       Event
	call        Call
	integration claim
	millis      float64 // the time, however the number is written; exact for all that is believed
	timed       bool    // there is a time, if not a number
}

// A claim is the integration that a body says it is of. The key that signed it
// is checked against it, so there must be no two ways to read it.
type claim struct {
	id      string
	unclear bool
}

// A decoder reads an event as encoding/json would, in a fraction of the time.
// A handler that reads Raw by encoding/json must see the same values: names
// match in any case, a value of another type leaves what was there, and a
// repeated object or array is read over the first.
type decoder struct {
	scanner
	kept strings.Builder // the event's strings, in one piece of memory
}

// readEnvelope fails on what is not JSON, and on nothing else.
func readEnvelope(body []byte) (*envelope, error) {
	const enough = 512 // for the strings of a usual event
	env := new(envelope)
	d := decoder{scanner: scanner{text: body}}
	d.kept.Grow(min(len(body)/2, enough))
	d.readObject(func(name []byte) bool { return d.readEventField(env, name) })
	d.end()
	if d.failed {
		return nil, malformed("not JSON at byte %d", d.wrong)
	}
	return env, nil
}

// readObject reads an object, if it is one, by a function that reads the value
// of a field that it knows.
func (d *decoder) readObject(readField func(name []byte) bool) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	for more := d.open('}'); more; more = d.more('}') {
		name := unquoted(d.name())
		if !readField(name) && !readField(knownName(name)) {
			d.skip()
		}
	}
}

// fieldNames are the names of all fields, of whatever object.
var fieldNames = bytes.Fields([]byte(`
	id type pbx company integrationId time data
	status caller callee service destination trunkName queueName queueId tags flags endCause endCauseStr endBy
	phone name email userId userExtension userDepartment groupId groupName userAgent userDevice role license
`))

// knownName returns the field's name that differs from name in its case only,
// or nil.
func knownName(name []byte) []byte {
	for _, known := range fieldNames {
		if bytes.EqualFold(known, name) {
			return known
		}
	}
	return nil
}

func (d *decoder) readEventField(env *envelope, name []byte) bool {
	switch string(name) {
	case "id":
		d.readString(&env.event.ID)
	case "type":
		d.readString(&env.event.Type)
	case "pbx":
		d.readString(&env.event.PBX)
	case "company":
		d.readString(&env.event.Company)
	case "integrationId":
		d.readClaim(&env.integration)
	case "time":
		d.readTime(env)
	case "data":
		d.readObject(func(name []byte) bool { return d.readCallField(&env.call, name) })
	default:
		return false
	}
	return true
}

func (d *decoder) readCallField(c *Call, name []byte) bool {
	switch string(name) {
	case "caller":
		d.readParticipant(&c.Caller)
	case "callee":
		d.readParticipant(&c.Callee)
	case "tags":
		d.readStrings(&c.Tags)
	case "flags":
		d.readStrings(&c.Flags)
	default:
		return d.readText(c.text(name))
	}
	return true
}

// readParticipant makes one of anything but null, if an empty one.
func (d *decoder) readParticipant(p **Participant) {
	switch {
	case d.peek() == 'n':
		d.skip()
		*p = nil
		return
	case *p == nil:
		*p = new(Participant)
	}
	d.readObject(func(name []byte) bool { return d.readText((*p).text(name)) })
}

// readText does what [Text.UnmarshalJSON] does, unless there is no t: then it
// reports false.
func (d *decoder) readText(t *Text) bool {
	if t == nil {
		return false
	}
	switch d.peek() {
	case '"':
		*t = Text{Value: d.keep(unquoted(d.quoted())), Valid: true}
	case 'n', '{', '[':
		d.skip()
		*t = Text{}
	default:
		*t = Text{Value: d.keep(d.value()), Valid: true}
	}
	return true
}

func (d *decoder) readString(s *string) {
	if d.peek() != '"' {
		d.skip()
		return
	}
	*s = d.keep(unquoted(d.quoted()))
}

func (d *decoder) readStrings(list *[]string) {
	switch d.peek() {
	case '[':
		*list = d.readElements((*list)[:0])
	case 'n':
		d.skip()
		*list = nil
	default:
		d.skip()
	}
}

// readElements reads an array over the elements that an earlier one left in
// the list's memory. They show where this one has no string.
func (d *decoder) readElements(list []string) []string {
	for more := d.open(']'); more; more = d.more(']') {
		list = slices.Grow(list, 1)[:len(list)+1]
		d.readString(&list[len(list)-1])
	}
	if len(list) == 0 {
		return []string{} // not nil, which would stand for null
	}
	return list
}

// readClaim bears null, and the same string twice.
func (d *decoder) readClaim(c *claim) {
	switch d.peek() {
	case '"':
		id := d.keep(unquoted(d.quoted()))
		c.unclear = c.unclear || c.id != "" && c.id != id
		c.id = id
	case 'n':
		d.skip()
	default:
		d.skip()
		c.unclear = true
	}
}

func (d *decoder) readTime(env *envelope) {
	if d.peek() == 'n' {
		d.skip()
		env.millis, env.timed = 0, false
		return
	}
	env.timed = true
	// Of all JSON values only numbers are read, and not all of these.
	if millis, err := strconv.ParseFloat(string(d.value()), 64); err == nil {
		env.millis = millis
	}
}

// keep makes a string that neither pins the body nor takes memory of its own.
func (d *decoder) keep(s []byte) string {
	start := d.kept.Len()
	d.kept.Write(s)
	return d.kept.String()[start:]
}
