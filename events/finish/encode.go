package finish

import (
	"encoding/json"
	"fmt"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// envelope is the JSON of call:finished. It has the names of other events.
type envelope struct {
	ID            string               `json:"id"`
	PBX           string               `json:"pbx,omitempty"`
	Company       string               `json:"company"`
	Time          events.Timestamp     `json:"time"`
	Type          string               `json:"type"`
	IntegrationID string               `json:"integrationId,omitempty"`
	Data          *events.FinishedCall `json:"data"`
}

// encode returns the JSON of call:finished. end is the event that is responsible for it.
func encode(facts calls.Facts, end *events.Event) []byte {
	r := facts.Record()
	at := r.End
	if at.IsZero() {
		at = end.Time
	}
	text, err := json.Marshal(envelope{
		ID: r.ID, PBX: r.PBX, Company: r.Company, Time: events.Timestamp{Time: at}, Type: events.CallFinished,
		IntegrationID: end.IntegrationID, Data: r.FinishedCall(),
	})
	if err != nil {
		panic(fmt.Sprintf("a call can't be encoded: %v", err)) // texts and numbers always can
	}
	return text
}
