package fakepbx

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// body is the JSON of an event.
type body struct {
	ID            string `json:"id"`
	PBX           string `json:"pbx,omitempty"`
	Time          int64  `json:"time"`
	Company       string `json:"company"`
	Type          string `json:"type"`
	IntegrationID string `json:"integrationId"`
	Data          any    `json:"data"`
}

// encode returns the body of the call's next event.
func (c *Call) encode(eventType string, data any) []byte {
	c.last = max(time.Now().Add(-c.past).UnixMilli(), c.last+1)
	b := body{
		ID: c.ID, PBX: demoSerial, Time: c.last, Company: demoCompany,
		Type: eventType, IntegrationID: c.integration, Data: data,
	}
	if strings.HasPrefix(eventType, "conference:") || strings.HasPrefix(eventType, "chat:") {
		b.PBX = "" // these events have none
	}
	return b.encode()
}

func (b body) encode() []byte {
	encoded, err := json.Marshal(b)
	if err != nil {
		panic(fmt.Sprintf("an event can't be encoded: %v", err)) // strings and numbers always can
	}
	return encoded
}
