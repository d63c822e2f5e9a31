package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"wildix-worker/events"
)

// oracle decodes an event with encoding/json, in as little code as possible. The
// results and errors of [events.Decode] must be the same: a handler that decodes Raw
// with encoding/json must see the values that were verified and dispatched.
func oracle(body []byte) (*events.Event, error) {
	if len(body) > events.MaxSize {
		return nil, malformed(fmt.Sprintf("%d bytes are more than the %d that SQS takes", len(body), events.MaxSize))
	}
	var e struct {
		ID            string      `json:"id"`
		Type          string      `json:"type"`
		PBX           string      `json:"pbx"`
		Company       string      `json:"company"`
		IntegrationID integration `json:"integrationId"`
		Time          *float64    `json:"time"`
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
	case e.IntegrationID.ambiguous:
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
	case "call:finished":
		return dataAs[events.FinishedCall](body)
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

func malformed(reason string) error {
	return fmt.Errorf("%w: %s", events.ErrMalformed, reason)
}

func inCentury(millis float64) bool {
	year := time.UnixMilli(int64(millis)).UTC().Year()
	return 2000 <= year && year < 2100
}

// An integration is an integrationId. It is ambiguous if one of the fields of that
// name is no string, or two are different.
type integration struct {
	id        string
	ambiguous bool
}

func (i *integration) UnmarshalJSON(data []byte) error {
	var id string
	if string(data) == "null" {
		return nil
	}
	if json.Unmarshal(data, &id) != nil || i.id != "" && i.id != id {
		i.ambiguous = true
		return nil //nolint:nilerr // reported as ambiguous
	}
	i.id = id
	return nil
}
