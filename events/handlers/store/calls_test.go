package store

import (
	"fmt"
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
