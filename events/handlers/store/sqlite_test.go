package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"wildix-worker/events"
)

func TestLockedFileIsATemporaryError(t *testing.T) {
	db := newSQLite(t)
	s := db.open(t)
	s.writer.conn.db.Exec("PRAGMA busy_timeout = 1")
	release := db.lock(t, "events")
	e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
	if err := s.HandleEvent(t.Context(), e); err == nil || events.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	release()
	handle(t, []*events.Event{e}, s)
}

func TestFullDiskIsATemporaryError(t *testing.T) {
	db := newSQLite(t)
	s := db.open(t)
	s.writer.conn.db.Exec("PRAGMA max_page_count = 1") // no more than it has
	e := decode(t, fmt.Sprintf(`{"id":"call-1","type":"call:start","time":1693389850810,"data":{},"more":%q}`, strings.Repeat("x", 100_000)))
	if err := s.HandleEvent(t.Context(), e); err == nil || events.IsPermanent(err) || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v", err)
	}
	s.writer.conn.db.Exec("PRAGMA max_page_count = 1000000")
	handle(t, []*events.Event{e}, s)
	if n := db.count(t, "events"); n != 1 {
		t.Errorf("%d events", n)
	}
}

// SQLite would continue to write to the old file.
func TestMovedOrReplacedFileIsATemporaryError(t *testing.T) {
	for name, meddle := range map[string]func(path string) error{
		"moved": func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := newSQLite(t)
			s := db.open(t)
			handle(t, []*events.Event{decode(t, `{"id":"call-1","type":"call:start","time":1693389850810}`)}, s)
			if err := meddle(strings.TrimPrefix(db.url, "sqlite:")); err != nil {
				t.Fatal(err)
			}
			err := s.HandleEvent(t.Context(), decode(t, `{"id":"call-2","type":"call:start","time":1693389850810}`))
			if !errors.Is(err, errOtherFile) || events.IsPermanent(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}
