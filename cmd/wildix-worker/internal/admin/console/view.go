package console

import (
	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// A noteRow is a note as the page shows it.
type noteRow struct {
	Number  uint64         `json:"number"`
	At      int64          `json:"at"`
	Outcome events.Outcome `json:"outcome"`
	Type    string         `json:"type"`
	ID      string         `json:"id"`
	Caller  partyRow       `json:"caller"`
	Callee  partyRow       `json:"callee"`
	Why     string         `json:"why"`
	Took    float64        `json:"took"` // milliseconds
	Receive int            `json:"receive"`
}

// A callRow is a call as the page shows it.
type callRow struct {
	Number    uint64   `json:"number"`
	Start     int64    `json:"start"`
	Caller    partyRow `json:"caller"`
	Callee    partyRow `json:"callee"`
	Status    string   `json:"status"`
	Direction string   `json:"direction"`
	Queue     string   `json:"queue"`
}

type partyRow struct {
	Name   string `json:"name"`
	Number string `json:"number"`
}

func (m mask) noteRows(notes []note) []noteRow {
	rows := make([]noteRow, len(notes))
	for i, n := range notes {
		rows[i] = noteRow{
			Number: n.number, At: n.at.UnixMilli(), Outcome: n.outcome, Type: m.text(n.eventType), ID: m.id(n.id),
			Caller: m.party(n.caller), Callee: m.party(n.callee), Why: m.why(&n),
			Took: float64(n.took.Microseconds()) / 1000, Receive: n.receiveCount,
		}
	}
	return rows
}

// callRow returns a call as the page shows it, without a number.
func (m mask) callRow(r *calls.Record) callRow {
	callee := party{r.Callee.Name, r.Callee.Phone, r.Callee.Email}
	if callee == (party{}) {
		callee.number = r.Destination
	}
	return callRow{
		Start: r.Start.UnixMilli(), Status: m.text(r.Status), Direction: printable(string(r.Direction)), Queue: m.text(r.Queue),
		Caller: m.party(party{r.Caller.Name, r.Caller.Phone, r.Caller.Email}), Callee: m.party(callee),
	}
}
