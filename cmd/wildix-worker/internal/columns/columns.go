// Package columns prints events for people: one line per event, about 80 columns wide, in
// colour on a terminal.
package columns

import (
	"context"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
)

// A Handler prints events. No text of an event can send commands to the terminal.
type Handler struct {
	out  *term.Printer
	mask bool
}

// New returns a handler that prints to out. If mask is true, phone numbers are printed as
// [events.MaskNumber] returns them, and names and emails are not printed.
func New(out *term.Printer, mask bool) *Handler { return &Handler{out, mask} }

const clock = "15:04:05.000"

// HandleEvent prints an event.
func (h *Handler) HandleEvent(_ context.Context, e *events.Event) error {
	colour := term.Yellow
	switch e.Type {
	case events.CallStart:
		colour = term.Green
	case events.CallEnd, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallCompleted, events.CallFinished:
		colour = term.Faint
	}
	who, state := h.describe(e)
	return h.out.Printf("%s\n", Line(h.out, e.Time, colour, e.Type, who, state))
}

// The widths of the columns. A longer kind takes its room from the next column.
const (
	kindWidth    = 11 // call:update
	maxKindWidth = 28 // call:transcription:completed
	whoWidth     = 37
	stateWidth   = 40
)

// Line returns a line of columns. kind is in a colour of [term.Printer.Paint].
func Line(out *term.Printer, at time.Time, colour, kind, who, state string) string {
	room := min(max(len(kind), kindWidth), maxKindWidth)
	line := at.Local().Format(clock) + "  " + out.Paint(colour, term.Column(kind, room)) + "  " +
		term.Column(who, whoWidth-(room-kindWidth)) + " " + term.Column(state, stateWidth)
	return strings.TrimRight(line, " ")
}
