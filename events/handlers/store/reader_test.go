package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
)

func (db *database) reader(t *testing.T) *Reader {
	t.Helper()
	r, err := OpenReader(db.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// read returns the events that a query selects, as call-3/call:end.
func (r *Reader) read(t *testing.T, q EventQuery) (list []string, places []Place) {
	t.Helper()
	for s, err := range r.Events(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Decode()
		if err != nil || !e.Time.Equal(s.Time) || e.DeliveryKey() != s.Key {
			t.Fatalf("%v: %s at %s", err, s.Raw, s.Time)
		}
		list, places = append(list, e.ID+"/"+e.Type), append(places, s.Place)
	}
	return list, places
}

func TestEventsAreSelectedByTimeAndType(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		var all []*events.Event
		for i, eventType := range []string{"call:start", "call:end", "chat:new", "call:end"} {
			all = append(all, decode(t, fmt.Sprintf(`{"id":"%d","type":%q,"time":%d,"data":{}}`, i, eventType, 1693389850007+i*1000)))
		}
		handle(t, all, db.open(t))
		r, second := db.reader(t), time.UnixMilli(1693389851007)
		for _, c := range []struct {
			EventQuery
			want string
		}{
			{EventQuery{}, "[0/call:start 1/call:end 2/chat:new 3/call:end]"},
			{EventQuery{Since: second}, "[1/call:end 2/chat:new 3/call:end]"},
			{EventQuery{Until: second}, "[0/call:start]"},
			{EventQuery{Types: []string{"call:end", "call:start"}, Since: second}, "[1/call:end 3/call:end]"},
			{EventQuery{Types: []string{"none"}}, "[]"},
		} {
			got, places := r.read(t, c.EventQuery)
			if fmt.Sprint(got) != c.want {
				t.Errorf("%+v: read %v, want %s", c.EventQuery, got, c.want)
			}
			for i, place := range places {
				c.After = place
				if rest, _ := r.read(t, c.EventQuery); !slices.Equal(rest, got[i+1:]) {
					t.Errorf("%+v: read %v", c.EventQuery, rest)
				}
			}
		}
		counts, err := r.Count(t.Context(), EventQuery{Since: second})
		if err != nil || fmt.Sprint(counts) != "[{call:end 2} {chat:new 1}]" {
			t.Errorf("counted %v, %v", counts, err)
		}
	})
}

// Events of the same time are read once each, over pages.
func TestEventsOfSeveralPages(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		const n = 2*pageEvents + 1
		startAll(t, db, n)
		got, _ := db.reader(t).read(t, EventQuery{})
		if slices.Sort(got); len(slices.Compact(got)) != n {
			t.Errorf("read %d events, want %d", len(slices.Compact(got)), n)
		}
	})
}

func TestEventsOfCallAreAllOfItAndNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		body := func(id, company, eventType string, second int, data string) *events.Event {
			return decode(t, fmt.Sprintf(`{"id":%q,"company":%q,"type":%q,"time":%d,"data":%s}`, id, company, eventType, 1693389850000+second*1000, data))
		}
		end := body("call-1", "example", "call:end", 2, `{}`)
		handle(t, []*events.Event{
			end, body("call-1", "example", "call:start", 1, `{}`), body("call-1", "other", "call:start", 1, `{}`),
			body("report-7", "example", "call:completed", 3, `{"id":"call-1"}`), body("call-1", "example", "chat:new", 1, `{}`),
			body("call-1", "example", "call:finished", 4, `{}`),
		}, db.open(t))
		for eventID, want := range map[string]string{"call-1": "[call:start call:end call:finished]", "report-7": "[call:start call:end call:completed call:finished]"} {
			var got []string
			for e, err := range db.reader(t).EventsOfCall(t.Context(), calls.Key{Company: "example", ID: "call-1"}, eventID) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Type)
			}
			if fmt.Sprint(got) != want {
				t.Errorf("of %s: %v, want %s", eventID, got, want)
			}
		}
	})
}

func TestFinishedIsThatOfTheState(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		r, key := db.reader(t), calls.Key{Company: "example", ID: "call-1"}
		if got, err := r.Finished(t.Context(), key); got != nil || err != nil {
			t.Errorf("without a state: %s, %v", got, err)
		}
		s, err := NewState(StateConfig{URL: db.url})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Finished(t.Context(), key); got != nil || err != nil {
			t.Errorf("of another call: %s, %v", got, err)
		}
		for _, finished := range []string{"", "{}"} {
			c := finish.Call{Facts: calls.Facts{Company: "example", ID: "call-1"}, End: "key"}
			if finished != "" {
				c.Finished = []byte(finished)
			}
			if _, err := s.Merge(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got, err := r.Finished(t.Context(), key); string(got) != finished || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, finished)
			}
		}
	})
}

func TestReaderNeedsTheTables(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.exec(t, "CREATE TABLE other (id INTEGER)")
		if _, err := db.reader(t).Count(t.Context(), EventQuery{}); err == nil || !strings.Contains(err.Error(), "has no tables of the store handler") {
			t.Errorf("got %v", err)
		}
	})
	path := filepath.Join(t.TempDir(), "none.db")
	r := (&database{url: "sqlite:" + path}).reader(t)
	for _, err := range r.Events(t.Context(), EventQuery{}) {
		if err == nil || !strings.Contains(err.Error(), "the store handler creates it") {
			t.Errorf("got %v", err)
		}
	}
	if got, err := r.Finished(t.Context(), calls.Key{}); got != nil || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if found, _ := filepath.Glob(path + "*"); len(found) > 0 {
		t.Errorf("made %v", found)
	}
}

func TestSameDatabase(t *testing.T) {
	t.Chdir(t.TempDir())
	path, err := filepath.Abs("a.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("there.db", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("there.db", "link.db"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"sqlite:a.db", "sqlite:" + path, true}, {"sqlite:a.db", "sqlite:./a.db", true}, {"sqlite:a.db", "sqlite:b.db", false},
		{"sqlite:there.db", "sqlite:link.db", true}, {"sqlite:a.db", "postgres://db.example.com/calls", false},
		{"postgres://a@db.example.com/calls", "postgresql://b:x@db.example.com:5432/calls", true},
		{"postgres://db.example.com/calls", "postgres://db.example.com/other", false},
		{"postgres://db.example.com/calls", "postgres://other.example.com/calls", false}, {"", "sqlite:a.db", false},
	} {
		if got := SameDatabase(c.a, c.b); got != c.same {
			t.Errorf("%s and %s: %t", c.a, c.b, got)
		}
	}
}
