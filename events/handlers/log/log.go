// Package log is the handler that writes one JSON line an event, with the
// fields
//
//	time, id, type, company, pbx, integrationId, caller, callee
//
// where time is RFC 3339 in UTC to the millisecond, and caller and callee are
// phone numbers or null. An event counts as handled once its line is written,
// so an event is not lost when the disk is full.
package log

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"wildix-worker/events"
)

// A Handler writes events to one writer.
type Handler struct {
	lines lines
	mask  bool
}

// New returns a handler that writes to w: whole lines, many in one call when
// many events are handled at once, and never from two goroutines at once. mask
// hides all but the last two digits of phone numbers.
func New(w io.Writer, mask bool) *Handler {
	return &Handler{lines: lines{w: w, next: &batch{}}, mask: mask}
}

// HandleEvent writes the event's line and returns when it is written. It does
// not look at its context: a write can't be called off.
func (h *Handler) HandleEvent(_ context.Context, e *events.Event) error {
	var room [512]byte // for a usual line, so that it costs no memory
	if err := h.lines.write(h.appendLine(room[:0], e)); err != nil {
		return fmt.Errorf("log event: %w", err)
	}
	return nil
}

// lines writes lines for many goroutines with as few writes as possible: who
// comes while a write is under way joins the next one.
type lines struct {
	w       io.Writer
	writing sync.Mutex
	torn    bool // the last write ended within a line; writing guards it

	mu   sync.Mutex
	next *batch // lines that the next write takes along
}

// A batch is the lines of one write. lines.writing guards written and err.
type batch struct {
	text    bytes.Buffer
	written bool
	err     error
}

// write returns when the line is written, whoever wrote it.
func (l *lines) write(line []byte) error {
	l.mu.Lock()
	b := l.next
	b.text.Write(line)
	l.mu.Unlock()

	l.writing.Lock()
	defer l.writing.Unlock()
	if b.written {
		return b.err
	}
	l.mu.Lock()
	l.next = &batch{}
	l.mu.Unlock()
	b.err = l.writeWhole(b.text.Bytes())
	b.written = true
	return b.err
}

// writeWhole writes lines, on a new line if an earlier write was cut off, as on
// a full disk.
func (l *lines) writeWhole(text []byte) error {
	if l.torn {
		text = append([]byte("\n"), text...)
	}
	n, err := l.w.Write(text)
	if n > 0 {
		l.torn = text[n-1] != '\n'
	}
	return err
}
