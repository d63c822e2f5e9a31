package store

import (
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
)

func TestCallsAreSelectedByStartAndMissed(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		var all []*events.Event
		for i, status := range []string{"TALKING", "RINGING", "RINGING", "TALKING"} {
			all = append(all, decode(t, fmt.Sprintf(`{"id":"call-%d","type":"call:end","time":%d,"data":{"status":%q}}`, i, 1693389850000+i*1000, status)))
		}
		handle(t, all, db.open(t))
		ids := func(q Query) (ids []string) {
			for r, err := range Calls(t.Context(), Config{URL: db.url}, q) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, r.ID)
			}
			return ids
		}
		since := time.UnixMilli(1693389852000)
		if got := fmt.Sprint(ids(Query{}), ids(Query{Since: since}), ids(Query{Missed: true}), ids(Query{Since: since, Missed: true})); got !=
			"[call-0 call-1 call-2 call-3] [call-2 call-3] [call-1 call-2] [call-2]" {
			t.Errorf("read %s", got)
		}
	})
}

func TestCallsDoNotCreateAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	for _, err := range Calls(t.Context(), Config{URL: "sqlite:" + path}, Query{}) {
		if err == nil || !strings.Contains(err.Error(), "the store handler creates it") {
			t.Errorf("got %v", err)
		}
	}
	if found, _ := filepath.Glob(path + "*"); len(found) > 0 {
		t.Errorf("made %v", found)
	}
}

func TestErrorWithoutTablesNamesTheStoreHandler(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.exec(t, "CREATE TABLE other (id INTEGER)")
		for _, err := range Calls(t.Context(), Config{URL: db.url}, Query{}) {
			if err == nil || !strings.Contains(err.Error(), "has no tables of the store handler") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// startAll stores calls that start in the same millisecond.
func startAll(t *testing.T, db *database, n int) {
	t.Helper()
	all := make([]*events.Event, n)
	for i := range all {
		all[i] = decode(t, fmt.Sprintf(`{"id":"call-%04d","company":"example","type":"call:start","time":1693389850000,"data":{}}`, i))
	}
	handle(t, all, db.open(t))
}

func TestCallsOfSeveralPages(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		const n = 2*pageCalls + 1
		startAll(t, db, n)
		at := time.UnixMilli(1693389850000)
		for _, c := range []struct {
			Query
			first, count int
		}{
			{Query{}, 0, n}, {Query{Limit: 3}, n - 3, 3}, {Query{Limit: pageCalls}, n - pageCalls, pageCalls}, {Query{Limit: pageCalls + 1}, n - pageCalls - 1, pageCalls + 1},
			{Query{Limit: n + 5}, 0, n}, {Query{Until: at}, 0, 0}, {Query{Since: at, Until: at.Add(time.Millisecond), Limit: n}, 0, n},
		} {
			i := c.first
			for r, err := range Calls(t.Context(), Config{URL: db.url}, c.Query) {
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("call-%04d", i); r.ID != want {
					t.Fatalf("%+v: got %s, want %s", c.Query, r.ID, want)
				}
				i++
			}
			if i != c.first+c.count {
				t.Errorf("%+v: %d calls, want %d", c.Query, i-c.first, c.count)
			}
		}
	})
}

// An open transaction would keep SQLite from shrinking its write-ahead log.
func TestPausedReaderHoldsNoTransaction(t *testing.T) {
	db := newSQLite(t)
	startAll(t, db, 10)
	next, stop := iter.Pull2(Calls(t.Context(), Config{URL: db.url}, Query{}))
	defer stop()
	if _, err, ok := next(); err != nil || !ok {
		t.Fatal(err)
	}
	db.exec(t, "DELETE FROM calls WHERE id = 'call-0009'")
	var busy, pages, moved int
	if err := db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil || busy != 0 {
		t.Errorf("the checkpoint waits for a reader: %d, %v", busy, err)
	}
}
