package calls

import "cmp"

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
