package console

import (
	"context"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/period"
	"wildix-worker/events/calls"
)

const (
	// maxMissed is how many missed calls are shown, the latest of the day.
	maxMissed = 100
	// missedInterval is the time between two queries for missed calls while a page is open.
	missedInterval = time.Minute
	// missedTimeout is how long a query may take.
	missedTimeout = 20 * time.Second
)

// missedCalls returns the latest inbound calls since a time that were missed.
type missedCalls = func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error)

// A missedList has the missed calls of today, by this machine's time zone.
type missedList struct {
	At     int64       `json:"at"` // when they were read
	Calls  []missedRow `json:"calls"`
	Full   bool        `json:"full"`   // there may be more
	Reason string      `json:"reason"` // why they can't be read; empty if they can
}

// A missedRow is a missed call as the page shows it.
type missedRow struct {
	Start  int64    `json:"start"`
	Caller partyRow `json:"caller"`
	Queue  string   `json:"queue"`
	Waited int64    `json:"waited"` // milliseconds
}

// readMissed reads the missed calls of today.
func (m mask) readMissed(ctx context.Context, read missedCalls) *missedList {
	ctx, cancel := context.WithTimeout(ctx, missedTimeout)
	defer cancel()
	now := time.Now()
	list := &missedList{At: now.UnixMilli(), Calls: []missedRow{}}
	missed, err := read(ctx, period.StartOfDate(now.Year(), now.Month(), now.Day(), now.Location()), maxMissed)
	if err != nil {
		list.Reason = m.failure(err.Error())
		return list
	}
	for i := range missed {
		list.Calls = append(list.Calls, m.missedRow(&missed[i]))
	}
	list.Full = len(missed) == maxMissed
	return list
}

func (m mask) missedRow(r *calls.Record) missedRow {
	return missedRow{
		Start: r.Start.UnixMilli(), Queue: m.text(r.Queue), Waited: r.Waited().Milliseconds(),
		Caller: m.party(party{r.Caller.Name, r.Caller.Phone, r.Caller.Email}),
	}
}
