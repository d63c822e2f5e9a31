package calls

import (
	"cmp"

	"wildix-worker/events"
)

// A Key identifies a call. The ID is the PBX's and begins with the company's
// name, but nothing guarantees that, so a Key has both.
type Key struct {
	Company string
	ID      string
}

// Key returns the key of the call that the facts are about.
func (f Facts) Key() Key { return Key{Company: f.Company, ID: f.ID} }

// Key returns the call's key.
func (r *Record) Key() Key { return Key{Company: r.Company, ID: r.ID} }

// Compare orders keys by company, then by ID. It returns -1, 0 or 1.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Company, other.Company), cmp.Compare(k.ID, other.ID))
}

// KeyOf returns the key of the call that an event is about, and whether the event ends it. It
// is cheaper than [FactsOf], and ok is false for the same events.
func KeyOf(e *events.Event) (key Key, ends, ok bool) {
	key, ok = keyOf(e)
	return Key{Company: distinct(key.Company, MaxText), ID: distinct(key.ID, MaxText)}, rankOf(e.Type) >= rankOf(events.CallEnd), ok
}

// keyOf returns a key that may be longer.
func keyOf(e *events.Event) (key Key, ok bool) {
	switch data := e.Data.(type) {
	case *events.Call:
		return Key{Company: e.Company, ID: e.ID}, true
	case *events.LiveCall:
		return Key{Company: e.Company, ID: cmp.Or(data.ID.Value, e.ID)}, true
	case *events.CompletedCall:
		return Key{Company: cmp.Or(e.Company, data.Company.Value), ID: cmp.Or(data.ID.Value, e.ID)}, true
	default:
		return Key{}, false
	}
}
