package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
)

const day = 24 * time.Hour

// ago returns an event from before now.
func ago(t testing.TB, ago time.Duration, eventType, id, data string) *events.Event {
	t.Helper()
	return decode(t, fmt.Sprintf(`{"id":%q,"company":"example","type":%q,"time":%d,"data":%s}`, id, eventType, time.Now().Add(-ago).UnixMilli(), data))
}

// ids returns the ids of a table's rows.
func (db *database) ids(t testing.TB, table string) string {
	t.Helper()
	rows := db.rows(t, "SELECT id FROM "+table+" ORDER BY id, 1")
	return strings.TrimSpace(strings.NewReplacer("id=", "", "\n", "").Replace(rows))
}

func TestPruneDeletesOldCallsWithTheirEvents(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		handle(t, []*events.Event{
			ago(t, 100*day, events.CallStart, "old", `{}`), ago(t, 100*day-time.Minute, events.CallEnd, "old", `{}`),
			ago(t, 89*day, events.CallEnd, "new", `{}`),
			// The first event is too old, but not the call.
			ago(t, 90*day+time.Minute, events.CallStart, "across", `{}`), ago(t, 90*day-time.Minute, events.CallEnd, "across", `{}`),
			ago(t, 100*day, events.CallStart, "live", `{}`), ago(t, day, events.CallUpdate, "live", `{}`),
			ago(t, 100*day, events.CallStart, "lost its end", `{}`),
			ago(t, 100*day, "fax:sent", "old fax", `{}`), ago(t, day, "fax:sent", "new fax", `{}`),
			// The call has another id than its event.
			ago(t, 91*day, events.CallCompleted, "envelope", `{"id":"across","flows":[]}`), ago(t, 91*day, events.CallCompleted, "old envelope", `{"id":"old","flows":[]}`),
		}, db.open(t))
		before := time.Now().Add(-90 * day)
		want := Pruned{Calls: 2, Events: 5}
		allCalls, allEvents := db.ids(t, "calls"), db.ids(t, "events")
		if got, err := Prune(t.Context(), Config{URL: db.url}, before, true); got != want || err != nil {
			t.Errorf("would prune %+v, %v, want %+v", got, err, want)
		}
		if calls, events := db.ids(t, "calls"), db.ids(t, "events"); calls != allCalls || events != allEvents {
			t.Errorf("a dry run left %s and %s", calls, events)
		}
		if got, err := Prune(t.Context(), Config{URL: db.url}, before, false); got != want || err != nil {
			t.Errorf("pruned %+v, %v, want %+v", got, err, want)
		}
		if got, want := db.ids(t, "calls"), "across live new"; got != want {
			t.Errorf("left the calls %s, want %s", got, want)
		}
		if got, want := db.ids(t, "events"), "across across envelope live live new new fax"; got != want {
			t.Errorf("left the events %s, want %s", got, want)
		}
		if got, err := Prune(t.Context(), Config{URL: db.url}, before, false); got != (Pruned{}) || err != nil {
			t.Errorf("pruned again %+v, %v", got, err)
		}
	})
}

// A call that goes on is kept, although all its events are old enough to delete.
func TestPruneKeepsCallsThatGoOn(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		handle(t, []*events.Event{
			ago(t, 4*day, events.CallStart, "live", `{}`), ago(t, 3*day, events.CallUpdate, "live", `{}`),
			ago(t, 3*day, events.CallEnd, "ended", `{}`), ago(t, 8*day, events.CallStart, "lost its end", `{}`),
		}, db.open(t))
		if got, err := Prune(t.Context(), Config{URL: db.url}, time.Now().Add(-2*day), false); got != (Pruned{2, 2}) || err != nil {
			t.Errorf("pruned %+v, %v", got, err)
		}
		if got := db.ids(t, "events"); got != "live live" {
			t.Errorf("left the events %s", got)
		}
	})
}

func TestPruneWhileWorkersWrite(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		one, other := db.open(t), db.open(t)
		const old, recent = 3*rowsPerPrune + 10, 400
		var all []*events.Event
		for i := range old {
			all = append(all, ago(t, 100*day, events.CallEnd, fmt.Sprintf("old-%d", i), `{}`))
		}
		handle(t, all, one)
		all = nil
		for i := range recent { // half of them belong to calls that began before
			all = append(all, ago(t, time.Hour, events.CallUpdate, fmt.Sprintf("new-%d", i), `{}`), ago(t, 95*day, events.CallStart, fmt.Sprintf("new-%d", i/2*2), `{}`))
		}
		pruned := make(chan error)
		for range 2 {
			go func() {
				_, err := Prune(t.Context(), Config{URL: db.url}, time.Now().Add(-90*day), false)
				pruned <- err
			}()
		}
		for batch := range 8 {
			handle(t, all[batch*len(all)/8:(batch+1)*len(all)/8], one, other)
		}
		for range 2 {
			if err := <-pruned; err != nil {
				t.Error(err)
			}
		}
		if n := db.count(t, "calls WHERE id LIKE 'old-%'") + db.count(t, "events WHERE id LIKE 'old-%'"); n != 0 {
			t.Errorf("%d old rows are left", n)
		}
		if n := db.count(t, "calls WHERE id LIKE 'new-%'"); n != recent {
			t.Errorf("%d new calls, want %d", n, recent)
		}
		// An event is pruned before its call is written, or kept with it.
		if n := db.count(t, "events WHERE type = 'call:update'"); n != recent {
			t.Errorf("%d new events, want %d", n, recent)
		}
	})
}

func TestPruneStopsWithItsContext(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Prune(ctx, Config{URL: db.url}, time.Now(), false); err == nil {
			t.Error("no error")
		}
	})
}

func TestPruneNamesAMissingDatabase(t *testing.T) {
	for _, dryRun := range []bool{true, false} {
		if _, err := Prune(t.Context(), Config{URL: "sqlite:" + t.TempDir() + "/none.db"}, time.Now(), dryRun); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("got %v", err)
		}
	}
}

func TestStorePrunesByItsRetention(t *testing.T) {
	db := newSQLite(t)
	handle(t, []*events.Event{decode(t, `{"id":"old","type":"call:end","time":946684800000,"data":{}}`)}, db.open(t)) // 2000-01-01
	synctest.Test(t, func(t *testing.T) {                                                                             // whose clock begins then
		core, logs := observer.New(zap.InfoLevel)
		s, err := New(Config{URL: db.url, Retention: 2 * day, Logger: zap.New(core)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Connect(context.Background()); err != nil {
			t.Fatal(err)
		}
		count := func() (n int) {
			if err := s.writer.conn.db.QueryRow("SELECT (SELECT count(*) FROM calls) + (SELECT count(*) FROM events)").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		time.Sleep(2 * day)
		if n := count(); n != 2 {
			t.Errorf("%d rows before the retention ends", n)
		}
		time.Sleep(2 * time.Hour)
		if n := count(); n != 0 {
			t.Errorf("%d rows after it has ended", n)
		}
		if logged := logs.FilterMessage("deleted old rows of the database").All(); len(logged) != 1 || logged[0].ContextMap()["events"] != int64(1) {
			t.Errorf("logged %v", logged)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestShortRetentionIsRefused(t *testing.T) {
	if _, err := New(Config{URL: "sqlite:events.db", Retention: 90 * time.Minute}); err == nil || !strings.Contains(err.Error(), "less than 1 day") {
		t.Errorf("got %v", err)
	}
}
