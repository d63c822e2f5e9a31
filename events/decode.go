package events

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error of [Decode].
var ErrMalformed = errors.New("malformed event")

// Decode reads an event from its JSON. The body must be valid JSON of at most
// [MaxSize] bytes with an id, a type and a time between 2000 and 2100, and its
// integrationId, if any, must be one string. Everything else is accepted: unknown
// fields and types, null anywhere, and data of another shape than expected.
//
// The typed fields hold what encoding/json reads from Raw: names match in any
// case, the last of repeated fields counts, a repeated object or array is read over
// the first, and invalid UTF-8 becomes U+FFFD. Only the first 1,000 flows of an array, and
// the first 10,000 tags, flags and licenses of an event in all, are read.
//
// Decode allocates at most four times the size of the body and 2 MiB, whatever the body
// holds, and much less for events as a PBX sends them.
//
// The event keeps body as its Raw, so the caller must not change it afterwards. Every
// error wraps [ErrMalformed]. It says what is wrong without quoting the body, which may
// contain personal data.
func Decode(body []byte) (*Event, error) {
	if len(body) > MaxSize {
		return nil, malformed("%d bytes are more than the %d that SQS takes", len(body), MaxSize)
	}
	env, err := readEnvelope(body)
	if err != nil {
		return nil, malformed("%w", err)
	}
	e := &env.event
	switch {
	case e.ID == "":
		return nil, malformed("no id")
	case e.Type == "":
		return nil, malformed("no type")
	case !env.hasTime:
		return nil, malformed("no time")
	case env.integration.ambiguous:
		return nil, malformed("integrationId is not one string")
	}
	at, ok := unixMilli(env.millis)
	if !ok {
		return nil, malformed("time is not between 2000 and 2100 in Unix milliseconds")
	}
	e.Time = at
	e.IntegrationID = env.integration.id
	e.Raw = body
	env.completeData(body)
	return e, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// An envelope is an event while it is decoded, with what must be checked before it is
// returned.
type envelope struct {
	event       Event
	integration integration
	millis      float64 // the time; exact for all times that are accepted
	hasTime     bool    // if not as a number

	large    bool // the body is larger than onePass
	hasData  bool
	dataType string // that the data was read for
}

// An integration is the integrationId of a body. The signing key is checked against
// it, so there must be only one way to read it.
type integration struct {
	id        string
	ambiguous bool
}

// readEnvelope fails only if body is not JSON.
func readEnvelope(body []byte) (*envelope, error) {
	env := &envelope{large: len(body) > onePass}
	d := newDecoder(body)
	d.ReadObject(func(name []byte) bool { return d.readEventField(env, name) })
	return env, d.End()
}

func (d *decoder) readEventField(env *envelope, name []byte) bool {
	switch string(name) {
	case "id":
		d.ReadString(&env.event.ID)
	case "type":
		d.ReadString(&env.event.Type)
	case "pbx":
		d.ReadString(&env.event.PBX)
	case "company":
		d.ReadString(&env.event.Company)
	case "integrationId":
		d.readIntegration(&env.integration)
	case "time":
		d.readTime(env)
	case "data":
		d.readData(env)
	default:
		return false
	}
	return true
}

// readIntegration accepts null, and the same string twice.
func (d *decoder) readIntegration(i *integration) {
	switch d.Peek() {
	case '"':
		id := d.String()
		i.ambiguous = i.ambiguous || i.id != "" && i.id != id
		i.id = id
	case 'n':
		d.Skip()
	default:
		d.Skip()
		i.ambiguous = true
	}
}

func (d *decoder) readTime(env *envelope) {
	if d.Peek() == 'n' {
		d.Skip()
		env.millis, env.hasTime = 0, false
		return
	}
	env.hasTime = true
	d.readNumber(&env.millis)
}
