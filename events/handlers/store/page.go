package store

const (
	// pageCalls, pageEvents and pageBytes limit what one transaction reads.
	pageCalls  = 500
	pageEvents = 500
	pageBytes  = 8 << 20
)

// A position is the place of a call, or of an event, in the order of reading. The time is the
// database's text of it. An event has its key as the ID.
type position struct{ started, company, id string }
