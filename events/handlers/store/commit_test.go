package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// TestConcurrentWorkersLoseNoUpdate has several workers write the same calls,
// in opposite orders.
func TestConcurrentWorkersLoseNoUpdate(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		const ids, steps = 40, 20
		var all []*events.Event
		want := make(map[string]calls.Facts)
		for step := range steps {
			for i := range ids {
				n := i
				if step%2 == 1 {
					n = ids - 1 - i
				}
				e := decode(t, fmt.Sprintf(`{"id":"call-%d","company":"example","type":"call:update","time":%d,"data":{"status":"%d","queueName":"%d"}}`,
					n, 1693389850000+step, step, step))
				facts, _ := calls.FactsOf(e)
				want[e.ID] = want[e.ID].Merge(facts)
				all = append(all, e)
			}
		}
		handle(t, all, db.open(t), db.open(t), db.open(t))
		if n := db.count(t, "events"); n != ids*steps {
			t.Errorf("%d events, want %d", n, ids*steps)
		}
		got := make(map[string]calls.Record)
		for r, err := range Calls(t.Context(), Config{URL: db.url}, Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			got[r.ID] = r
		}
		for id, facts := range want {
			if got[id] != facts.Record() {
				t.Errorf("call %s is\n%+v\nwant\n%+v", id, got[id], facts.Record())
			}
		}
	})
}

// TestConcurrentWorkersDoNotDeadlock has workers write the same calls and events in
// one transaction after the other. Without an order of locks, PostgreSQL finds a
// deadlock about every second.
func TestConcurrentWorkersDoNotDeadlock(t *testing.T) {
	db := newPostgres(t)
	const workers, rounds, calls = 4, 30, 40
	db.open(t)
	var running sync.WaitGroup
	for worker := range workers {
		w := writerOn(t, db.url)
		running.Go(func() {
			for round := range rounds {
				var batch []*request
				for i := range calls {
					e := decode(t, fmt.Sprintf(`{"id":"call-%d","type":"call:update","time":%d,"data":{}}`, i, 1693389850000+round*workers+worker*(i%2)))
					batch = append(batch, newRequest(t.Context(), e))
				}
				w.commit(t.Context(), batch)
				for _, r := range batch {
					if err := <-r.done; err != nil {
						t.Errorf("round %d of worker %d: %v", round, worker, err)
						return
					}
				}
			}
		})
	}
	running.Wait()
}

func TestCallDeletedDuringItsUpdateIsNotReportedAsWritten(t *testing.T) {
	db := newPostgres(t)
	w := writerOn(t, db.url)
	tx, err := w.conn.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	dialect, gone := w.conn.dialect.(*postgresDialect), call{key: calls.Key{Company: "example", ID: "call-1"}}
	if _, err := dialect.mergeKnown(t.Context(), tx, []call{gone}); !errors.Is(err, errDeleted) || !dialect.temporary(err) {
		t.Errorf("got %v", err)
	}
}

// A pruningDialect has each of the first calls deleted while it is written.
type pruningDialect struct {
	dialect
	deletions int
}

func (d *pruningDialect) writeCalls(ctx context.Context, tx *sql.Tx, batch []call) error {
	if d.deletions > 0 {
		d.deletions--
		return errDeleted
	}
	return d.dialect.writeCalls(ctx, tx, batch)
}

func TestCallDeletedDuringItsUpdateIsWrittenAgain(t *testing.T) {
	db := newSQLite(t)
	w := writerOn(t, db.url)
	w.conn.dialect = &pruningDialect{w.conn.dialect, 2}
	r := newRequest(t.Context(), decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`))
	w.commit(t.Context(), []*request{r})
	if err := <-r.done; err != nil || db.count(t, "calls") != 1 || db.count(t, "events") != 1 {
		t.Errorf("got %v and %d calls", err, db.count(t, "calls"))
	}
}

// TestRefusedRowFailsAlone writes a batch in which the database
// refuses some rows.
func TestRefusedRowFailsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.open(t)
		db.refuse(t, "bad")
		var batch []*request
		for i := range 50 {
			id := fmt.Sprint("good-", i)
			if i == 7 || i == 31 {
				id = fmt.Sprint("bad-", i)
			}
			batch = append(batch, newRequest(t.Context(), decode(t, fmt.Sprintf(`{"id":%q,"type":"call:start","time":1693389850810,"data":{}}`, id))))
		}
		writerOn(t, db.url).commit(t.Context(), batch)
		for i, r := range batch {
			err := <-r.done
			if bad := i == 7 || i == 31; bad != (err != nil) || bad != events.IsPermanent(err) {
				t.Errorf("event %d: %v", i, err)
			}
			if err != nil && strings.Contains(err.Error(), "bad-") {
				t.Errorf("the error quotes the row: %v", err)
			}
		}
		if e, c := db.count(t, "events"), db.count(t, "calls"); e != 48 || c != 48 {
			t.Errorf("%d events and %d calls, want 48", e, c)
		}
	})
}

func TestKeyThatIsTooLongIsAPermanentError(t *testing.T) {
	db := newPostgres(t)
	s := db.open(t)
	var id strings.Builder // one that can't be compressed
	for i := range 4000 {
		fmt.Fprintf(&id, "%x", i*i*i*2654435761)
	}
	err := s.HandleEvent(t.Context(), decode(t, fmt.Sprintf(`{"id":%q,"type":"call:start","time":1693389850810,"data":{}}`, id.String())))
	if !events.IsPermanent(err) || strings.Contains(err.Error(), id.String()[:20]) {
		t.Errorf("got %v", err)
	}
}

func TestUndecodableFactsFailAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		event := func(id string, millis int) *events.Event {
			return decode(t, fmt.Sprintf(`{"id":%q,"company":"example","type":"call:start","time":%d,"data":{}}`, id, 1693389850810+millis))
		}
		handle(t, []*events.Event{event("call-1", 0)}, s)
		db.exec(t, "UPDATE calls SET facts = 'torn'")
		batch := []*request{newRequest(t.Context(), event("call-1", 1)), newRequest(t.Context(), event("call-2", 1)), newRequest(t.Context(), event("call-3", 1))}
		writerOn(t, db.url).commit(t.Context(), batch)
		for i, r := range batch {
			if err := <-r.done; (i == 0) != (err != nil) || events.IsPermanent(err) {
				t.Errorf("event %d: %v", i, err)
			}
		}
	})
}
