package console

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// An openedRow is what the page shows of a message that the user opens, in addition to its
// row. Times are Unix milliseconds; 0 is unknown.
type openedRow struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	Company     string `json:"company"`
	PBX         string `json:"pbx"`
	Integration string `json:"integration"`
	Happened    int64  `json:"happened"`
	Message     string `json:"message"` // SQS's id of the message
	Sent        int64  `json:"sent"`    // to SQS
	Reason      string `json:"reason"`
	Body        string `json:"body"` // on several lines; empty if the message has no event
	Size        int    `json:"size"` // of the whole body, in bytes
	Kept        int    `json:"kept"` // of these
}

// openedRow returns the row of a note.
func (m mask) openedRow(n *note) openedRow {
	text := func(s string) string { return visible(cut(withoutSecrets(m.hideIn(s)), maxKept)) }
	id := func(s string) string { return visible(cut(withoutSecrets(m.hideInID(s)), maxKept)) }
	row := openedRow{
		Type: text(n.eventType), ID: id(n.id), Company: id(n.company), PBX: id(n.pbx), Integration: id(n.integration),
		Message: id(n.message), Reason: visible(withoutSecrets(m.hideInReason(n))),
		Size: n.size, Kept: len(n.body),
	}
	if len(n.body) > 0 {
		row.Body = m.body(n.body, len(n.body) == n.size)
	}
	if !n.happened.IsZero() {
		row.Happened = n.happened.UnixMilli()
	}
	if !n.sent.IsZero() {
		row.Sent = n.sent.UnixMilli()
	}
	return row
}

// open answers with a message of the list. The page names it by its number and time.
func (c *Console) open(w http.ResponseWriter, r *http.Request) {
	number, numberErr := strconv.ParseUint(r.FormValue("number"), 10, 64)
	at, atErr := strconv.ParseInt(r.FormValue("at"), 10, 64)
	if numberErr != nil || atErr != nil {
		http.Error(w, "number and at must be those of an event of the list", http.StatusBadRequest)
		return
	}
	n, ok := c.recent.find(number, at)
	if !ok {
		http.Error(w, "the worker no longer keeps this event", http.StatusNotFound)
		return
	}
	text, err := json.Marshal(c.frames.mask.openedRow(&n))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // a page that has left
}
