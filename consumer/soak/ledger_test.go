package soak_test

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// A ledger is the file to which all workers of a queue append the ids that they have
// handled, and the entries that the test has read. An entry is one write to a file opened with
// O_APPEND, so entries are ordered, and those written before a delete survive a kill.
type ledger struct {
	messages messages

	mu      sync.Mutex
	file    *os.File
	rest    []byte   // of an incomplete line
	times   []int    // that each message was handled
	first   []int    // messages in the order in which they were first handled
	unknown []string // ids that were not sent
	torn    int      // entries that a kill left incomplete
}

// entry is a line of the ledger. It begins with a newline because the entry before it may
// be incomplete.
func entry(id string) []byte { return []byte("\n" + id + "\n") }

func openLedger(path string, messages messages) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &ledger{messages: messages, file: file, times: make([]int, len(messages))}, nil
}

func (l *ledger) close() error { return l.file.Close() }

// has reports whether the message has been handled by now.
func (l *ledger) has(n int) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times[n] > 0 {
		return true, nil
	}
	err := l.read()
	return l.times[n] > 0, err
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
	switch {
	case ok:
		if l.times[n]++; l.times[n] == 1 {
			l.first = append(l.first, n)
		}
	case hasID:
		l.unknown = append(l.unknown, string(line))
	default:
		l.torn++
	}
}
