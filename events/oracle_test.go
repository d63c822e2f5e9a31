package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"wildix-worker/events"
)

// oracle decodes an event with encoding/json, slowly and with as little code
// as it takes. What [events.Decode] makes of a body, errors included, is
// compared with it, since a handler that reads Raw by encoding/json must see
// the values that were checked and dispatched.
func oracle(body []byte) (*events.Event, error) {
	if len(body) > events.MaxSize {
		return nil, malformed(fmt.Sprintf("%d bytes are more than the %d that SQS takes", len(body), events.MaxSize))
	}
	var e struct {
		ID            string   `json:"id"`
		Type          string   `json:"type"`
		PBX           string   `json:"pbx"`
		Company       string   `json:"company"`
		IntegrationID claim    `json:"integrationId"`
		Time          *float64 `json:"time"`
	}
	err := json.Unmarshal(body, &e)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, malformed(fmt.Sprintf("not JSON at byte %d", syntax.Offset))
	}
	// Any other error is a value of another type, and the rest was read.
	switch {
	case e.ID == "":
		return nil, malformed("no id")
	case e.Type == "":
		return nil, malformed("no type")
	case e.Time == nil:
		return nil, malformed("no time")
	case e.IntegrationID.unclear:
		return nil, malformed("integrationId is not one string")
	case math.Abs(*e.Time) > 1e15 || !inCentury(*e.Time):
		return nil, malformed("time is not between 2000 and 2100 in Unix milliseconds")
	}
	event := &events.Event{
		ID: e.ID, Type: e.Type, PBX: e.PBX, Company: e.Company, IntegrationID: e.IntegrationID.id,
		Time: time.UnixMilli(int64(*e.Time)).UTC(), Raw: body,
	}
	event.Data = oracleData(e.Type, body)
	return event, nil
}

func oracleData(eventType string, body []byte) any {
	switch eventType {
	case "call:start", "call:update", "call:end":
		return dataAs[events.Call](body)
	case "call:live:progress", "call:live:completed", "call:live:interrupted", "call:live:transcription":
		return dataAs[events.LiveCall](body)
	case "call:completed":
		return dataAs[events.CompletedCall](body)
	case "presence:user", "presence:telephony", "presence:conference":
		return dataAs[events.Presence](body)
	case "sms:status":
		return dataAs[events.SMS](body)
	}
	return nil
}

func dataAs[T any](body []byte) *T {
	var e struct{ Data T }
	json.Unmarshal(body, &e)
	return &e.Data
}

func malformed(what string) error {
	return fmt.Errorf("%w: %s", events.ErrMalformed, what)
}

func inCentury(millis float64) bool {
	year := time.UnixMilli(int64(millis)).UTC().Year()
	return 2000 <= year && year < 2100
}

// A claim is an integrationId. It is unclear if one key or another that stands
// for it holds no string, or two hold different ones.
type claim struct {
	id      string
	unclear bool
}

func (c *claim) UnmarshalJSON(data []byte) error {
	var id string
	if string(data) == "null" {
		return nil
	}
	if json.Unmarshal(data, &id) != nil || c.id != "" && c.id != id {
		c.unclear = true
		return nil
	}
	c.id = id
	return nil
}
