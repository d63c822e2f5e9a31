package console

import (
	"cmp"
	"maps"
	"slices"

	"wildix-worker/events/calls"
)

const (
	// maxCalls is how many live calls are tracked; the newest maxRows are shown.
	maxCalls = 2000
	maxRows  = 1000
)

// rows holds the calls that are shown. Each has a number, since ids may be long.
type rows struct {
	byCall map[calls.Key]*shown
	last   uint64 // number of the newest row
	round  uint64 // counts updates
}

// callChanges are the changes of the calls that are shown.
type callChanges struct {
	Total int       `json:"total"`
	Full  bool      `json:"full"` // there may be more
	Set   []callRow `json:"set"`
	Gone  []uint64  `json:"gone"` // numbers
}

type shown struct {
	record calls.Record
	row    callRow
	round  uint64 // the last one in which it was live
}

func newRows() rows { return rows{byCall: make(map[calls.Key]*shown)} }

// update takes the live calls, the oldest first, and returns the changes among the newest
// of them.
func (r *rows) update(live []calls.Record, view func(*calls.Record) callRow) callChanges {
	r.round++
	var changes callChanges
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

// put adds or updates a call. It reports whether its row has changed.
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

// all returns all rows.
func (r *rows) all() (all []callRow) {
	for _, s := range r.byCall {
		all = append(all, s.row)
	}
	slices.SortFunc(all, func(a, b callRow) int { return cmp.Compare(a.Number, b.Number) })
	return all
}
