package console

import (
	"cmp"
	"maps"
	"slices"

	"wildix-worker/events/calls"
)

// rows are the calls that are shown. They are numbered, since ids may be long.
type rows struct {
	byCall map[calls.Key]*shown
	last   uint64 // number
	round  uint64
}

type shown struct {
	record calls.Record
	row    callRow
	round  uint64 // in which it was live
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

func newRows() rows { return rows{byCall: make(map[calls.Key]*shown)} }

// update takes the calls that go on, the longest first, and returns what is different
// among the newest of them.
func (r *rows) update(live []calls.Record, view func(*calls.Record) callRow) callRows {
	r.round++
	var changes callRows
	for i := max(0, len(live)-maxRows); i < len(live); i++ {
		if row, changed := r.put(&live[i], view); changed {
			changes.Set = append(changes.Set, row)
		}
	}
	maps.DeleteFunc(r.byCall, func(_ calls.Key, s *shown) bool {
		gone := s.round != r.round
		if gone {
			changes.Gone = append(changes.Gone, s.row.Number)
		}
		return gone
	})
	return changes
}

// put reports whether the call looks different from what is shown of it.
func (r *rows) put(record *calls.Record, view func(*calls.Record) callRow) (row callRow, changed bool) {
	key := record.Key()
	s, known := r.byCall[key]
	if !known {
		r.last++
		s = &shown{row: callRow{Number: r.last}}
		r.byCall[key] = s
	}
	s.round = r.round
	if s.record == *record {
		return s.row, false
	}
	s.record = *record
	row = view(record)
	row.Number = s.row.Number
	changed = row != s.row
	s.row = row
	return row, changed
}

// all returns what is shown.
func (r *rows) all() (all []callRow) {
	for _, s := range r.byCall {
		all = append(all, s.row)
	}
	slices.SortFunc(all, func(a, b callRow) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

// callRow makes the view of a call.
func (c *Console) callRow(r *calls.Record) callRow {
	callee := party{r.Callee.Name, r.Callee.Phone, r.Callee.Email}
	if callee == (party{}) {
		callee.number = r.Destination
	}
	return callRow{
		Start: r.Start.UnixMilli(), Status: c.text(r.Status), Direction: printable(string(r.Direction)), Queue: c.text(r.Queue),
		Caller: c.party(party{r.Caller.Name, r.Caller.Phone, r.Caller.Email}), Callee: c.party(callee),
	}
}
