package soak_test

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// A ledger is the file in which all workers of a queue write down what they
// have handled, and what was read of it. It is opened for appending, and an
// entry is one write: so entries have an order, and a worker that is killed
// takes none along that it has told SQS of.
type ledger struct {
	letters letters

	mu      sync.Mutex
	file    *os.File
	rest    []byte // of a line whose end is not written
	times   []int  // each letter was handled
	first   []int  // letters in the order they were first handled
	foreign []string
	torn    int // entries of which a kill has left a part
}

// entry is a line of the ledger. It begins with a line's end, for the case that
// the one before it was torn.
func entry(id string) []byte { return []byte("\n" + id + "\n") }

func openLedger(path string, of letters) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &ledger{letters: of, file: file, times: make([]int, len(of))}, nil
}

func (l *ledger) close() error { return l.file.Close() }

// has reports whether a letter is in the ledger by now.
func (l *ledger) has(n int) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times[n] > 0 {
		return true, nil
	}
	err := l.read()
	return l.times[n] > 0, err
}

// readAll takes in what was written since.
func (l *ledger) readAll() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read()
}

func (l *ledger) read() error {
	fresh, err := io.ReadAll(l.file)
	lines := bytes.Split(append(l.rest, fresh...), []byte("\n"))
	l.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		l.enter(line)
	}
	return err
}

func (l *ledger) enter(line []byte) {
	if len(line) == 0 {
		return
	}
	n, claimed, ok := l.letters.find(line)
	switch {
	case ok:
		if l.times[n]++; l.times[n] == 1 {
			l.first = append(l.first, n)
		}
	case claimed:
		l.foreign = append(l.foreign, string(line))
	default:
		l.torn++
	}
}
