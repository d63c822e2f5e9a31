package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
)

func (db *database) state(t testing.TB, change ...func(*StateConfig)) *State {
	t.Helper()
	cfg := StateConfig{URL: db.url}
	for _, f := range change {
		f(&cfg)
	}
	s, err := NewState(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// factsOf returns the facts of an event of a call at that millisecond.
func factsOf(t testing.TB, id string, millis int, eventType, data string) calls.Facts {
	t.Helper()
	f, ok := calls.FactsOf(decode(t, fmt.Sprintf(`{"id":%q,"company":"example","type":%q,"time":%d,"data":%s}`, id, eventType, 1693389850000+millis, data)))
	if !ok {
		t.Fatal("no facts")
	}
	return f
}

func merge(t testing.TB, s *State, c finish.Call) finish.Call {
	t.Helper()
	merged, err := s.Merge(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// Whatever the order, the batches and the repeats, and whichever of two workers merges: the
// result of each merge is that of all before it.
func TestStateMergesAsInMemory(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		workers := [2]*State{db.state(t), db.state(t)}
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			want := make(map[calls.Key]finish.Call)
			for range rapid.IntRange(1, 8).Draw(rt, "merges") {
				id := fmt.Sprint(rapid.IntRange(1, 2).Draw(rt, "call"), " of ", run)
				eventType := rapid.SampledFrom([]string{events.CallStart, events.CallUpdate, events.CallEnd}).Draw(rt, "type")
				c := finish.Call{Facts: factsOf(t, id, rapid.IntRange(1, 9).Draw(rt, "time"), eventType,
					rapid.SampledFrom([]string{`{}`, `{"status":"TALKING"}`, `{"caller":{"name":"Ada \u0000 ☎"}}`, `{"queueName":"Support"}`}).Draw(rt, "data"))}
				c.End = rapid.SampledFrom([]string{"", "key 1", "key 2"}).Draw(rt, "end")
				if rapid.Bool().Draw(rt, "finished") {
					c.Finished = fmt.Appendf(nil, "\x00finished %d", len(want))
				}
				key := c.Facts.Key()
				want[key] = want[key].Merge(c)
				got, err := workers[rapid.IntRange(0, 1).Draw(rt, "worker")].Merge(t.Context(), c)
				if err != nil || !reflect.DeepEqual(got, want[key]) {
					rt.Fatalf("got  %+v, %v\nwant %+v", got, err, want[key])
				}
			}
		})
	})
}

func TestConcurrentMergesOfTwoWorkers(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		workers := [2]*State{db.state(t), db.state(t)}
		const calls = 5
		var all sync.WaitGroup
		var mu sync.Mutex
		ends := make(map[string]map[string]bool) // of each call
		for i := range 400 {
			id := fmt.Sprint("call-", i%calls)
			c := finish.Call{Facts: factsOf(t, id, i, events.CallUpdate, fmt.Sprintf(`{"queueName":"%d"}`, i)), End: fmt.Sprint("key ", i), Finished: fmt.Append(nil, i)}
			all.Go(func() {
				got, err := workers[i%2].Merge(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if ends[id] == nil {
					ends[id] = make(map[string]bool)
				}
				ends[id][got.End+" "+string(got.Finished)] = true
			})
		}
		all.Wait()
		for i := range calls {
			id := fmt.Sprint("call-", i)
			if len(ends[id]) != 1 {
				t.Errorf("%s: the first end is %v", id, ends[id])
			}
			got := merge(t, workers[0], finish.Call{Facts: factsOf(t, id, 0, events.CallStart, `{}`)})
			if r := got.Facts.Record(); r.Queue != fmt.Sprint(400-calls+i) || r.Start.UnixMilli() != 1693389850000 {
				t.Errorf("%s: %+v", id, r)
			}
		}
	})
}

func TestStateSurvivesAndSharesADatabase(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		handle(t, []*events.Event{decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)}, db.open(t))
		first := db.state(t)
		if err := first.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := finish.Call{Facts: factsOf(t, "call-1", 0, events.CallStart, `{"queueName":"Support"}`)}
		merge(t, first, c)
		merge(t, first, finish.Call{Facts: c.Facts, End: "key"})
		merge(t, first, finish.Call{Facts: c.Facts, Finished: []byte("{}")})
		got := merge(t, db.state(t), finish.Call{Facts: factsOf(t, "call-1", 1, events.CallUpdate, `{}`)})
		if r := got.Facts.Record(); r.Queue != "Support" || got.End != "key" || string(got.Finished) != "{}" {
			t.Errorf("%+v, %+v", r, got)
		}
	})
}

// A merge waits for another worker's, and merges with what that has written.
func TestMergeWaitsForThatOfAnotherWorker(t *testing.T) {
	db := newPostgres(t)
	s := db.state(t)
	merge(t, s, finish.Call{Facts: factsOf(t, "call-1", 0, events.CallStart, `{}`)})
	other, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.Exec(`SELECT * FROM call_states FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan finish.Call)
	go func() {
		merged, err := s.Merge(t.Context(), finish.Call{Facts: factsOf(t, "call-1", 1, events.CallEnd, `{}`), End: "second"})
		if err != nil {
			t.Error(err)
		}
		ended <- merged
	}()
	for db.count(t, "pg_locks WHERE NOT granted") == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := other.Exec(`UPDATE call_states SET end_key = 'first'`); err != nil {
		t.Fatal(err)
	}
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := <-ended; got.End != "first" {
		t.Errorf("got %+v", got)
	}
}

func TestRefusedCallFailsOnlyItself(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.state(t)
		if err := s.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.refuseIn(t, "call_states", "bad")
		db.exec(t, `INSERT INTO call_states (company, id, received, facts, end_key) VALUES ('example', 'worse', 1, 'no JSON', '')`)
		var merges []*stateMerge
		for _, id := range []string{"a", "bad-1", "b", "worse", "c", "d", "bad-2"} {
			merges = append(merges, &stateMerge{added: finish.Call{Facts: factsOf(t, id, 0, events.CallStart, `{"caller":{"name":"Ada Example"}}`)}})
		}
		for i, err := range s.send(t.Context(), merges) {
			id := merges[i].added.Facts.ID
			switch {
			case strings.HasPrefix(id, "bad"):
				if !events.IsPermanent(err) || strings.Contains(err.Error(), "Ada") {
					t.Errorf("%s: %v", id, err)
				}
			case id == "worse":
				if !errors.Is(err, errFacts) {
					t.Errorf("%s: %v", id, err)
				}
			case err != nil || merges[i].result.Facts.ID != id:
				t.Errorf("%s: %v, %+v", id, err, merges[i].result)
			}
		}
	})
}

func TestStateConnectsWhenItCan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	db := &database{url: "sqlite:" + filepath.Join(dir, "state.db")}
	s := db.state(t)
	c := finish.Call{Facts: factsOf(t, "call-1", 0, events.CallStart, `{}`)}
	if _, err := s.Merge(t.Context(), c); err == nil || events.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	merge(t, s, c)
	if found, err := os.Stat(filepath.Join(dir, "state.db")); err != nil || found.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", found.Mode(), err)
	}
}

func TestMovedStateFileIsAnError(t *testing.T) {
	db := newSQLite(t)
	s := db.state(t)
	c := finish.Call{Facts: factsOf(t, "call-1", 0, events.CallStart, `{}`)}
	merge(t, s, c)
	path := strings.TrimPrefix(db.url, "sqlite:")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Merge(t.Context(), finish.Call{Facts: factsOf(t, "call-2", 0, events.CallStart, `{}`)}); !errors.Is(err, errOtherFile) {
		t.Errorf("got %v", err)
	}
}

func TestMergeEndsWithItsContextWhileTheTableIsLocked(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		handle(t, []*events.Event{decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)}, db.open(t))
		s := db.state(t)
		c := finish.Call{Facts: factsOf(t, "call-1", 0, events.CallStart, `{}`)}
		merge(t, s, c)
		release := db.lock(t, "call_states")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if _, err := s.Merge(ctx, finish.Call{Facts: c.Facts, End: "key"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begun); took > stateTimeout/2 {
			t.Errorf("Merge took %s", took)
		}
		release()
		merge(t, s, c)
	})
}

func TestStateOnServerThatHangs(t *testing.T) {
	db := newPostgres(t)
	proxy, hangs := proxyTo(t, db.url)
	s := (&database{url: proxy}).state(t)
	c := finish.Call{Facts: factsOf(t, "call-1", 0, events.CallStart, `{}`)}
	merge(t, s, c)
	hangs.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := s.Merge(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > stateTimeout/2 {
		t.Errorf("Merge took %s", took)
	}
	hangs.Store(false)
	for begun := time.Now(); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := s.Merge(ctx, c)
		cancel()
		if err == nil {
			break
		}
		if time.Since(begun) > stateTimeout {
			t.Fatalf("after the server answers again: %v", err)
		}
	}
}

func TestLostConnectionOfTheStateIsATemporaryError(t *testing.T) {
	db := newPostgres(t)
	s := db.state(t)
	for i := range 10 {
		c := finish.Call{Facts: factsOf(t, fmt.Sprint(i), 0, events.CallStart, `{}`)}
		db.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wildix-worker' AND datname = current_database()")
		_, err := s.Merge(t.Context(), c)
		for tries := 0; err != nil && tries < 3; tries++ {
			if events.IsPermanent(err) {
				t.Errorf("a lost connection is permanent: %v", err)
			}
			_, err = s.Merge(t.Context(), c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOldCallsArePruned(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		core, logs := observer.New(zap.WarnLevel)
		s := db.state(t, func(cfg *StateConfig) { cfg.MaxAge, cfg.MaxCalls, cfg.Logger = time.Hour, 20, zap.New(core) })
		if err := s.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := time.Now().Unix()
		for i := range 30 {
			age := 5000 + i // seconds, old
			if i >= 5 {
				age = 2000 + i // 25 that are not
			}
			db.exec(t, fmt.Sprintf(`INSERT INTO call_states (company, id, received, facts, end_key) VALUES ('example', 'call-%d', %d, '{}', '')`, i, now-int64(age)))
		}
		s.prune.next = time.Time{}
		merge(t, s, finish.Call{Facts: factsOf(t, "new", 0, events.CallStart, `{}`)})
		if n := db.count(t, "call_states WHERE id IN ('call-0', 'call-4', 'call-29', 'call-24')"); n != 0 {
			t.Errorf("%d calls that should be deleted are there", n)
		}
		if n := db.count(t, "call_states"); n != 20 {
			t.Errorf("%d calls, want 20", n)
		}
		if n := logs.Len(); n != 1 {
			t.Errorf("%d warnings", n)
		}
		s.prune.next = time.Time{}
		merge(t, s, finish.Call{Facts: factsOf(t, "new", 1, events.CallUpdate, `{}`)})
		if n := db.count(t, "call_states"); n != 20 || s.prune.full || !s.prune.next.After(time.Now()) {
			t.Errorf("%d calls, %+v", n, s.prune)
		}
	})
}

func TestStateConfigReportsEveryFault(t *testing.T) {
	_, err := NewState(StateConfig{URL: "mysql://user:secret@host/", MaxAge: -1, MaxCalls: -1})
	want := "state: URL: not the URL of a database; write " + urlForms + "\nMaxAge: -1ns is negative\nMaxCalls: -1 is negative"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
