package console

import (
	"cmp"
	"maps"
	"slices"

	"wildix-worker/events/calls"
)

// maxRows is how many live calls are shown, the newest.
const maxRows = 1000

// rows holds the calls that the page shows. The page knows each by a number, since ids may
// be long.
type rows struct {
	byCall  map[calls.Key]*shownCall
	last    uint64 // number of the newest row
	updates uint64 // how often update was called
}

// callChanges are the changes of the calls that are shown.
type callChanges struct {
	Total int       `json:"total"` // live calls that are tracked
	Full  bool      `json:"full"`  // more may be live than are tracked
	Set   []callRow `json:"set"`   // new and changed
	Gone  []uint64  `json:"gone"`  // numbers of those no longer shown
}

type shownCall struct {
	record calls.Record
	row    callRow
	update uint64 // the last update in which it was live
}

func newRows() rows { return rows{byCall: make(map[calls.Key]*shownCall)} }

// update returns the changes since the last update among the newest live calls. live has
// the oldest call first.
func (r *rows) update(live []calls.Record, view func(*calls.Record) callRow) callChanges {
	r.updates++
	var changes callChanges
	for i := max(0, len(live)-maxRows); i < len(live); i++ {
		if row, changed := r.put(&live[i], view); changed {
			changes.Set = append(changes.Set, row)
		}
	}
	maps.DeleteFunc(r.byCall, func(_ calls.Key, s *shownCall) bool {
		gone := s.update != r.updates
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
		s = &shownCall{row: callRow{Number: r.last}}
		r.byCall[key] = s
	}
	s.update = r.updates
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

// all returns all rows, ordered by number.
func (r *rows) all() (all []callRow) {
	for _, s := range r.byCall {
		all = append(all, s.row)
	}
	slices.SortFunc(all, func(a, b callRow) int { return cmp.Compare(a.Number, b.Number) })
	return all
}
