package soak_test

import (
	"bytes"
	"io"
	"os"
	"slices"
	"sync"
)

// A ledger is the file to which all workers of a queue append the ids that their
// destinations have handled, and the entries that the test has read. An entry is one write to a file opened with
// O_APPEND, so entries are ordered, and those written before a delete survive a kill.
type ledger struct {
	messages messages

	mu      sync.Mutex
	file    *os.File
	rest    []byte   // of an incomplete line
	times   [][]int  // by destination: that each message was handled
	first   [][]int  // by destination: messages in the order in which they were first handled
	unknown []string // ids that were not sent
	torn    int      // entries that a kill left incomplete
}

// entry is a line of the ledger. It begins with a newline because the entry before it may
// be incomplete.
func entry(destination int, id string) []byte {
	return []byte("\n" + destinations[destination] + " " + id + "\n")
}

func openLedger(path string, messages messages) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l := &ledger{messages: messages, file: file, first: make([][]int, len(destinations))}
	for range destinations {
		l.times = append(l.times, make([]int, len(messages)))
	}
	return l, nil
}

func (l *ledger) close() error { return l.file.Close() }

// has reports whether all destinations have handled the message by now.
func (l *ledger) has(n int) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.least(n) > 0 {
		return true, nil
	}
	err := l.read()
	return l.least(n) > 0, err
}

// hasAll reports whether all destinations have handled all valid messages by now.
func (l *ledger) hasAll() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.read()
	for n, m := range l.messages {
		if m.class == valid && l.least(n) == 0 {
			return false, err
		}
	}
	return true, err
}

// least returns how often the message was handled by the destination that has handled it
// the fewest times.
func (l *ledger) least(n int) int {
	least := l.times[0][n]
	for _, times := range l.times {
		least = min(least, times[n])
	}
	return least
}

// repeats returns how often destinations have handled the message again.
func (l *ledger) repeats(n int) (sum int) {
	for _, times := range l.times {
		sum += max(0, times[n]-1)
	}
	return sum
}

// readAll reads the entries written since the last read.
func (l *ledger) readAll() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read()
}

func (l *ledger) read() error {
	added, err := io.ReadAll(l.file)
	lines := bytes.Split(append(l.rest, added...), []byte("\n"))
	l.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		l.record(line)
	}
	return err
}

func (l *ledger) record(line []byte) {
	if len(line) == 0 {
		return
	}
	n, hasID, ok := l.messages.find(line)
	name, _, _ := bytes.Cut(line, []byte(" "))
	destination := slices.Index(destinations, string(name))
	switch {
	case ok && destination >= 0:
		if l.times[destination][n]++; l.times[destination][n] == 1 {
			l.first[destination] = append(l.first[destination], n)
		}
	case hasID:
		l.unknown = append(l.unknown, string(line))
	default:
		l.torn++
	}
}
