// Package log is a handler that writes one JSON line for each event, with the fields
//
//	time, id, type, company, pbx, integrationId, caller, callee,
//	status, direction, queue, endCause, duration, replay
//
// time is RFC 3339 in UTC to the millisecond. caller and callee are phone numbers or
// null. The fields after them are absent if the event does not say: status is that of a
// call, a user, a phone or a text message, direction is inbound, outbound or internal,
// endCause is a Q.850 cause such as "16", and duration is in seconds. Of a whole call,
// which only call:completed and call:finished have, status is answered, missed or, if it is
// outbound, unanswered. Only they have a duration. replay is true if the event is sent again on
// purpose.
//
// An event is handled when its line is written, so that none is lost when the disk
// is full.
package log

import (
	"context"
	"fmt"
	"io"
	"sync"

	"wildix-worker/events"
)

// A Handler writes the lines of events to one writer.
type Handler struct {
	lines lineWriter
	mask  bool // phone numbers
}

// New returns a handler that writes whole lines to w, several in one call when events are
// handled concurrently, and never calls w from two goroutines at once. If mask is true,
// phone numbers are written as [events.MaskNumber] returns them.
func New(w io.Writer, mask bool) *Handler {
	return &Handler{lines: lineWriter{w: w, next: &batch{}}, mask: mask}
}

// HandleEvent writes the event's line and returns when it is written. It ignores its
// context, since a write can't be cancelled.
func (h *Handler) HandleEvent(_ context.Context, e *events.Event) error {
	var buffer [512]byte // enough for most lines, so that they need no allocation
	if err := h.lines.write(appendLine(buffer[:0], e, h.mask)); err != nil {
		return fmt.Errorf("log event: %w", err)
	}
	return nil
}

// A lineWriter writes lines for many goroutines with few writes: lines that arrive during
// a write are written together by the next one.
type lineWriter struct {
	w       io.Writer
	writing sync.Mutex
	partial bool   // the last write ended within a line; guarded by writing
	spare   []byte // memory for the lines of the write after next; guarded by writing

	mu   sync.Mutex
	next *batch // lines for the next write
}

// maxSpare is how much memory is used again. Lines are short, but a handler that writes slowly has
// many of them at once.
const maxSpare = 64 << 10

// A batch is the lines of one write. written and err are guarded by lineWriter.writing.
type batch struct {
	text    []byte
	written bool
	err     error
}

// write returns when the line is written, by this goroutine or another one.
func (l *lineWriter) write(line []byte) error {
	l.mu.Lock()
	b := l.next
	b.text = append(b.text, line...)
	l.mu.Unlock()

	l.writing.Lock()
	defer l.writing.Unlock()
	if b.written {
		return b.err
	}
	l.mu.Lock()
	l.next = &batch{text: l.spare[:0]}
	l.mu.Unlock()
	b.err = l.writeText(b.text)
	b.written = true
	l.spare, b.text = b.text, nil
	if cap(l.spare) > maxSpare {
		l.spare = nil
	}
	return b.err
}

// writeText writes lines. They begin on a new line if an earlier write ended within one,
// as on a full disk.
func (l *lineWriter) writeText(text []byte) error {
	if l.partial {
		text = append([]byte("\n"), text...)
	}
	n, err := l.w.Write(text)
	if n > 0 {
		l.partial = text[n-1] != '\n'
	}
	return err
}
