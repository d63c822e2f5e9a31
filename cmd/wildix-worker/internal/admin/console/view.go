package console

import (
	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/route"
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
	Reason  string         `json:"reason"`
	Took    float64        `json:"took"`    // milliseconds
	Receive int            `json:"receive"` // the receive count
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

// A destinationRow is a destination as the page shows it.
type destinationRow struct {
	Name     string  `json:"name"`
	State    string  `json:"state"` // up, failing, down or paused
	Since    int64   `json:"since"` // when the state began
	Held     int     `json:"held"`
	Running  int     `json:"running"`
	Handled  uint64  `json:"handled"`
	Rate     float64 `json:"rate"` // events handled a second; -1: not known yet
	Failed   uint64  `json:"failed"`
	Reason   string  `json:"reason"`   // the last error; empty if no call has failed
	FailedAt int64   `json:"failedAt"` // when that was; 0: never
}

// destinationRows returns the rows of destinations, which have these rates.
func (m mask) destinationRows(stats []route.Stats, rates []float64) []destinationRow {
	rows := make([]destinationRow, len(stats))
	for i, s := range stats {
		rows[i] = destinationRow{
			Name: s.Name, State: stateWord(s), Since: s.Since.UnixMilli(), Held: s.Held, Running: s.Running,
			Handled: s.Handled, Rate: rates[i], Failed: s.Failed, Reason: m.failure(s.LastError),
		}
		if !s.LastFailure.IsZero() {
			rows[i].FailedAt = s.LastFailure.UnixMilli()
		}
	}
	return rows
}

func stateWord(s route.Stats) string {
	if s.Failing() {
		return "failing"
	}
	return s.State.String()
}

func (m mask) noteRows(notes []note) []noteRow {
	rows := make([]noteRow, len(notes))
	for i, n := range notes {
		rows[i] = noteRow{
			Number: n.number, At: n.at.UnixMilli(), Outcome: n.outcome, Type: m.text(n.eventType), ID: m.id(n.id),
			Caller: m.party(n.caller), Callee: m.party(n.callee), Reason: m.reason(&n),
			Took: float64(n.took.Microseconds()) / 1000, Receive: n.receiveCount,
		}
	}
	return rows
}

// callRow returns the row of a call. Its number is 0.
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
