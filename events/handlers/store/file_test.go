package store

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
)

// modes returns the modes of the database's files by the end of their names.
func (db *database) modes(t *testing.T) map[string]fs.FileMode {
	t.Helper()
	path := strings.TrimPrefix(db.url, "sqlite:")
	modes := make(map[string]fs.FileMode)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		found, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		modes[suffix] = found.Mode().Perm()
	}
	return modes
}

func TestNewFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	db := newSQLite(t)
	handle(t, []*events.Event{decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)}, db.open(t))
	for suffix, mode := range db.modes(t) {
		if mode != 0o600 {
			t.Errorf("the file %q has the mode %o", suffix, mode)
		}
	}
}

func TestFilesOpenToOthersAreWarnedOf(t *testing.T) {
	db := newSQLite(t)
	path := strings.TrimPrefix(db.url, "sqlite:")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.WarnLevel)
	s, err := New(Config{URL: db.url, Logger: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first := logs.FilterField(zap.String("path", path)).FilterField(zap.String("mode", "0640"))
	if first.Len() != 1 || logs.Len() != 3 { // also of -wal and -shm
		t.Errorf("logged %v", logs.All())
	}
	if mode := db.modes(t)[""]; mode != 0o640 {
		t.Errorf("the mode was changed to %o", mode)
	}
}

// A reader that holds a transaction makes the write-ahead log grow.
func TestWriteAheadLogShrinks(t *testing.T) {
	db := newSQLite(t)
	s := db.open(t)
	n := 0
	write := func(bytes int) {
		n++
		handle(t, []*events.Event{decode(t, fmt.Sprintf(`{"id":"fax-%d","type":"fax:sent","time":1693389850810,"data":{"text":%q}}`, n, strings.Repeat("x", bytes)))}, s)
	}
	size := func() int64 {
		found, err := os.Stat(strings.TrimPrefix(db.url, "sqlite:") + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return found.Size()
	}
	write(1)
	reader, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var events int
	if err := reader.QueryRow("SELECT count(*) FROM events").Scan(&events); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		write(1_000_000)
	}
	grown := size()
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		write(1)
	}
	if grown <= walLimit || size() > walLimit {
		t.Errorf("the log grew to %d bytes and has %d, want at most %d", grown, size(), walLimit)
	}
}
