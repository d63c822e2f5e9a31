package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handle hands events to stores in turn, all at once.
func handle(t interface{ Errorf(string, ...any) }, all []*events.Event, stores ...*Store) {
	var handlers sync.WaitGroup
	for i, e := range all {
		handlers.Go(func() {
			if err := stores[i%len(stores)].HandleEvent(context.Background(), e); err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		})
	}
	handlers.Wait()
}

func draw(t *rapid.T, name string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, name)
}

// anyEvent generates an event of one of three calls, or of something else.
func anyEvent(t *rapid.T) *events.Event {
	party := func(name string) string {
		return draw(t, name, `null`, `{}`, `{"type":"REMOTE","phone":"+12025550100","name":"Ada \u0000 Example"}`, `{"type":"LOCAL","phone":"201","name":"Sales"}`)
	}
	body := fmt.Sprintf(`{"id":%q,"company":%q,"type":%q,"time":%d,"pbx":%s,"data":{"status":%s,"caller":%s,"callee":%s,"queueName":%s,"endCause":%s,
		"flows":[{"callStatus":%s,"direction":%s,"startTime":%s}]}}`,
		draw(t, "id", "call-1", "call-2", "call-3"), draw(t, "company", "example", "", "Ä"),
		draw(t, "type", events.CallStart, events.CallUpdate, events.CallUpdate, events.CallEnd, events.CallLiveProgress, events.CallLiveInterrupted, events.CallCompleted, "fax:sent"),
		rapid.Int64Range(1693389850810, 1693389850813).Draw(t, "time"), draw(t, "pbx", `null`, `"p1"`),
		draw(t, "status", `null`, `"RINGING"`, `"TALKING"`), party("caller"), party("callee"), draw(t, "queue", `null`, `"Sales"`, `"Ring\u0000"`),
		draw(t, "cause", `null`, `"16"`, `"19"`), draw(t, "verdict", `null`, `"MISSED"`, `"COMPLETED"`), draw(t, "direction", `null`, `"INBOUND"`, `"OUTBOUND"`),
		draw(t, "from", `null`, `1693389850700`))
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return e
}

func TestRowsAreAFunctionOfTheSetOfEvents(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		one, other := db.open(t), db.open(t)
		rapid.Check(t, func(rt *rapid.T) {
			all := rapid.SliceOfN(rapid.Custom(anyEvent), 1, 10).Draw(rt, "events")
			again := slices.Concat(all, rapid.SliceOf(rapid.SampledFrom(all)).Draw(rt, "repeated"))
			again = rapid.Permutation(again).Draw(rt, "shuffled")

			db.empty(t)
			for _, e := range all {
				handle(rt, []*events.Event{e}, one)
			}
			wantEvents, wantCalls := db.dump(t, "events"), db.dump(t, "calls")
			db.empty(t)
			handle(rt, again, one, other)
			if got := db.dump(t, "events"); got != wantEvents {
				rt.Fatalf("events\n%swant\n%s", got, wantEvents)
			}
			if got := db.dump(t, "calls"); got != wantCalls {
				rt.Fatalf("calls\n%swant\n%s", got, wantCalls)
			}
		})
	})
}

// TestNoUpdateIsLostBetweenWorkers has several workers write the same calls,
// in orders that would lock the rows crosswise.
func TestNoUpdateIsLostBetweenWorkers(t *testing.T) {
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

// TestWorkersDoNotLockEachOtherOut has workers write the same calls and events in
// one transaction after the other. Without an order of locking PostgreSQL would
// end one of them every second.
func TestWorkersDoNotLockEachOtherOut(t *testing.T) {
	db := newPostgres(t)
	const workers, rounds, calls = 4, 30, 40
	s := db.open(t)
	var running sync.WaitGroup
	for worker := range workers {
		w := writerOn(t, s.url)
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

func TestCallDeletedMeanwhileIsNotTakenForWritten(t *testing.T) {
	db := newPostgres(t)
	w := writerOn(t, db.url)
	tx, err := w.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	dialect, gone := w.dialect.(*postgresDialect), call{key: calls.Key{Company: "example", ID: "call-1"}}
	if _, err := dialect.mergeKnown(t.Context(), tx, []call{gone}); !errors.Is(err, errDeleted) || !dialect.temporary(err) {
		t.Errorf("got %v", err)
	}
}

func TestColumnsOfACall(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		handle(t, []*events.Event{
			decode(t, `{"id":"call-1","company":"example","pbx":"p1","type":"call:start","time":1693389850000,"data":{"status":"CONNECTING",
				"caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada \u0000Example"}}}`),
			decode(t, `{"id":"call-1","company":"example","type":"call:update","time":1693389854500,"data":{"status":"TALKING","queueName":"Support"}}`),
			decode(t, `{"id":"call-1","company":"example","type":"call:end","time":1693389860000,"data":{"status":"TALKING","endCause":"16"}}`),
		}, db.open(t))
		got := db.dump(t, "calls")
		for _, want := range []string{
			"company=example ", "id=call-1 ", "caller_type=REMOTE ", "caller_phone=+12025550100 ", "caller_name=Ada \ufffdExample ", "callee_phone=<nil> ",
			"direction=inbound ", "queue=Support ", "end_cause=16 ", "duration_ms=10000 ", "waited_ms=4500 ",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in %s", want, got)
			}
		}
		var answered, missed bool
		var started string
		if err := db.QueryRow(`SELECT answered, missed, CAST(started_at AS TEXT) FROM calls`).Scan(&answered, &missed, &started); err != nil {
			t.Fatal(err)
		}
		if !answered || missed || !strings.HasPrefix(strings.Replace(started, " ", "T", 1), "2023-08-30T10:04:10") {
			t.Errorf("answered %t, missed %t, started %s", answered, missed, started)
		}
	})
}

func TestRawIsKeptByteByByte(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		body := "{ \"id\":\"call-\\u0000\\ud800\",\"type\":\"call:start\",\"time\":1693389850810,\n\"data\":{\"caller\":{\"name\":\"\xff\\u0000\"}}, \"more\":\"\u2028\\\\x00\"} "
		e := decode(t, body)
		handle(t, []*events.Event{e}, db.open(t))
		var raw []byte
		var key string
		if err := db.QueryRow("SELECT raw, delivery_key FROM events").Scan(&raw, &key); err != nil {
			t.Fatal(err)
		}
		if string(raw) != body || key != e.DeliveryKey() {
			t.Errorf("raw %q of %s, want %q", raw, key, body)
		}
		if n := db.count(t, "calls"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestRefusedRowFailsAlone writes a batch in which the database
// refuses some rows.
func TestRefusedRowFailsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		db.refuse(t, "bad")
		var batch []*request
		for i := range 50 {
			id := fmt.Sprint("good-", i)
			if i == 7 || i == 31 {
				id = fmt.Sprint("bad-", i)
			}
			batch = append(batch, newRequest(t.Context(), decode(t, fmt.Sprintf(`{"id":%q,"type":"call:start","time":1693389850810,"data":{}}`, id))))
		}
		writerOn(t, s.url).commit(t.Context(), batch)
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

func TestTooLongAKeyIsRefusedForGood(t *testing.T) {
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

func TestUnreadableFactsFailAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		event := func(id string, millis int) *events.Event {
			return decode(t, fmt.Sprintf(`{"id":%q,"company":"example","type":"call:start","time":%d,"data":{}}`, id, 1693389850810+millis))
		}
		handle(t, []*events.Event{event("call-1", 0)}, s)
		db.exec(t, "UPDATE calls SET facts = 'torn'")
		batch := []*request{newRequest(t.Context(), event("call-1", 1)), newRequest(t.Context(), event("call-2", 1)), newRequest(t.Context(), event("call-3", 1))}
		writerOn(t, s.url).commit(t.Context(), batch)
		for i, r := range batch {
			if err := <-r.done; (i == 0) != (err != nil) || events.IsPermanent(err) {
				t.Errorf("event %d: %v", i, err)
			}
		}
	})
}

func TestEndOfContextIsNotWaitedFor(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		release := db.lock(t)
		gone := errors.New("lease lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error)
		e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
		go func() { failed <- s.HandleEvent(ctx, e) }() // its transaction waits, or it does for its turn
		time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
		if err := <-failed; !errors.Is(err, gone) { // or the lock would never be released
			t.Errorf("got %v", err)
		}
		expired, cancel2 := context.WithCancel(t.Context())
		cancel2()
		if err := s.HandleEvent(expired, e); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		handle(t, []*events.Event{decode(t, `{"id":"call-2","type":"call:start","time":1693389850810,"data":{}}`)}, s)
		if n := db.count(t, "events WHERE id = 'call-2'"); n != 1 {
			t.Errorf("%d rows of what was handled after", n)
		}
	})
}

func TestLostConnectionIsTriedAgain(t *testing.T) {
	db := newPostgres(t)
	s := db.open(t)
	for i := range 20 {
		e := decode(t, fmt.Sprintf(`{"id":"call-%d","type":"call:start","time":1693389850810,"data":{}}`, i))
		db.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wildix-worker' AND datname = current_database()")
		err := s.HandleEvent(t.Context(), e)
		if err != nil && events.IsPermanent(err) {
			t.Errorf("a lost connection is permanent: %v", err)
		}
		for tries := 0; err != nil && tries < 3; tries++ {
			err = s.HandleEvent(t.Context(), e)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := db.count(t, "events"); n != i+1 {
			t.Fatalf("%d rows of %d that were handled", n, i+1)
		}
	}
}

// Statements are prepared when the store connects, and a connection may last for months.
func TestStatementsAreOnlyPreparedForAsLongAsTheyHold(t *testing.T) {
	db := newPostgres(t)
	s := db.open(t)
	for name, change := range map[string]func(){
		"another type": func() { db.exec(t, "ALTER TABLE calls ALTER COLUMN id TYPE varchar(300)") },
		"a new column": func() { db.exec(t, "ALTER TABLE calls ADD COLUMN note text") },
		"a pooler": func() {
			if _, err := s.db.Exec("DEALLOCATE ALL"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		handle(t, []*events.Event{decode(t, `{"id":"before","type":"call:start","time":1693389850810,"data":{}}`)}, s)
		change()
		e := decode(t, fmt.Sprintf(`{"id":%q,"type":"call:start","time":1693389850810,"data":{}}`, name))
		if err := s.HandleEvent(t.Context(), e); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestTransactionOnServerThatHangsTimesOut(t *testing.T) {
	db := newPostgres(t)
	url, hang := hangable(t, db.url)
	w := writerOn(t, url)
	w.timeout = 50 * time.Millisecond
	hang()
	r := newRequest(t.Context(), decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`))
	w.commit(t.Context(), []*request{r})
	if err := <-r.done; !errors.Is(err, context.DeadlineExceeded) || events.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

// TestStatementThatTimesOutDoesNotBlockTheNext: the server does not answer in time, and
// the connection may still be busy.
func TestStatementThatTimesOutDoesNotBlockTheNext(t *testing.T) {
	db := newPostgres(t)
	target, err := parsePostgres(db.url)
	if err != nil {
		t.Fatal(err)
	}
	defer target.hangUp()
	pool := target.open()
	defer pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pool.ExecContext(ctx, "SELECT pg_sleep(20)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := pool.ExecContext(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the next statement: %v", err)
	}
}

func TestServerThatHangsDoesNotHoldUpAStop(t *testing.T) {
	db := newPostgres(t)
	url, hang := hangable(t, db.url)
	s, err := New(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	hang()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		failed <- s.HandleEvent(ctx, decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`))
	}()
	for s.db.Stats().InUse == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	begun := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > commitTimeout/2 {
		t.Errorf("the stop took %s", took)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun = time.Now()
	if s, err = New(Config{URL: url}); err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(ctx); err == nil {
		t.Error("open, where no server answers")
	}
	if took := time.Since(begun); took > connectTimeout/2 {
		t.Errorf("the start was not given up for %s", took)
	}
}

func TestLockedFileMayPass(t *testing.T) {
	db := newSQLite(t)
	s := db.open(t)
	s.db.Exec("PRAGMA busy_timeout = 1")
	release := db.lock(t)
	e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
	if err := s.HandleEvent(t.Context(), e); err == nil || events.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	release()
	handle(t, []*events.Event{e}, s)
}

func TestFullDiskMayPass(t *testing.T) {
	db := newSQLite(t)
	s := db.open(t)
	s.db.Exec("PRAGMA max_page_count = 1") // no more than there are
	e := decode(t, fmt.Sprintf(`{"id":"call-1","type":"call:start","time":1693389850810,"data":{},"more":%q}`, strings.Repeat("x", 100_000)))
	if err := s.HandleEvent(t.Context(), e); err == nil || events.IsPermanent(err) || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v", err)
	}
	s.db.Exec("PRAGMA max_page_count = 1000000")
	handle(t, []*events.Event{e}, s)
	if n := db.count(t, "events"); n != 1 {
		t.Errorf("%d events", n)
	}
}

// What is written to a file that was moved away is stored nowhere.
func TestFileThatWasMovedOrReplacedTakesNothing(t *testing.T) {
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

func TestWorkersThatStartTogetherMigrateOnce(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		var starts sync.WaitGroup
		for range 8 {
			starts.Go(func() {
				s, err := New(Config{URL: db.url})
				if err == nil {
					err = s.Connect(context.Background())
				}
				if err == nil {
					err = s.Close()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		if n := db.count(t, "migrations"); n != 1 {
			t.Errorf("%d migrations", n)
		}
	})
}

func TestDatabaseOfANewerVersionIsLeftAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.open(t)
		db.exec(t, "INSERT INTO migrations (number) VALUES (99)")
		s, err := New(Config{URL: db.url})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "run a newer one") {
			t.Errorf("got %v", err)
		}
	})
}

func TestClosedStoreHandlesNothing(t *testing.T) {
	s, err := New(Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "events.db")})
	if err != nil {
		t.Fatal(err)
	}
	e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.HandleEvent(t.Context(), e); err == nil {
		t.Error("handled before it was open")
	}
	if err := s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	handle(t, []*events.Event{e}, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.HandleEvent(t.Context(), e); err == nil {
		t.Error("handled after it was closed")
	}
}

func TestWrongURLIsToldWithoutQuotingIt(t *testing.T) {
	for url, want := range map[string]string{
		"":                                "required; write sqlite:PATH",
		"events.db":                       "not the URL of a database",
		"mysql://ada:s3cret@127.0.0.1/db": "not the URL of a database",
		"sqlite:":                         "no file named",
		"sqlite::memory:":                 "no file named",
		"postgres://ada:s3cret%zz@h/db":   "not a valid PostgreSQL URL",
		"postgres://ada:s3cret@h:port/db": "not a valid PostgreSQL URL",
	} {
		cfg := Config{URL: url}
		err := cfg.Validate()
		var field *events.FieldError
		if !errors.As(err, &field) || field.Field != "URL" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: a store", url)
		}
	}
}

func TestTheServerOfAListThatIsThereIsTaken(t *testing.T) {
	db := newPostgres(t)
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "127.0.0.1:1," + u.Host
	db.url = u.String()
	handle(t, []*events.Event{decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)}, db.open(t))
}

func TestSSLModeIsTheDriversUnlessTheURLSaysIt(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	tries := func(url string) (tls, plain int) {
		cfg, err := postgresConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		for _, server := range append([]*pgconn.FallbackConfig{{TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...) {
			if server.TLSConfig != nil {
				tls++
			} else {
				plain++
			}
		}
		return tls, plain
	}
	const url = "postgres://ada@db.example.com/calls"
	for mode, want := range map[string][2]int{
		"": {1, 1}, "?sslmode=prefer": {1, 1}, "?sslmode=disable": {0, 1}, "?sslmode=require": {1, 0}, "?sslmode=verify-full": {1, 0},
	} {
		if tls, plain := tries(url + mode); tls != want[0] || plain != want[1] {
			t.Errorf("%q: %d tries with TLS and %d without, want %v", mode, tls, plain, want)
		}
	}
	if cfg, err := postgresConfig(url); err != nil || cfg.TLSConfig == nil {
		t.Errorf("TLS is not tried first: %v", err)
	}
}

// A pooler in transaction mode that keeps no prepared statements needs this setting.
func TestStoreWorksWithoutPreparedStatements(t *testing.T) {
	for _, mode := range []string{"exec", "simple_protocol", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			db := newPostgres(t)
			db.url += "?default_query_exec_mode=" + mode
			s := db.open(t)
			for _, status := range []string{"RINGING", "TALKING"} {
				body := fmt.Sprintf(`{"id":"call-1","type":"call:update","time":1693389850810,"data":{"status":%q,"caller":{"name":"O'Example \\"}}}`, status)
				handle(t, []*events.Event{decode(t, body)}, s)
			}
			var prepared int
			if err := s.db.QueryRow("SELECT count(*) FROM pg_prepared_statements").Scan(&prepared); err != nil || prepared != 0 {
				t.Errorf("%d prepared statements, %v", prepared, err)
			}
			if n := db.count(t, "events"); n != 2 {
				t.Errorf("%d events", n)
			}
			if n := db.count(t, `calls WHERE caller_name = 'O''Example \'`); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestUnreachableDatabaseIsToldWithoutThePassword(t *testing.T) {
	s, err := New(Config{URL: "postgres://ada:s3cret@127.0.0.1:1/db"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestCallsAreReadByStartAndMissed(t *testing.T) {
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

func TestCallsOfNoDatabaseMakeNone(t *testing.T) {
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

func TestCallsOfAnEmptyDatabaseSayWhoFillsIt(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.exec(t, "CREATE TABLE other (id INTEGER)")
		for _, err := range Calls(t.Context(), Config{URL: db.url}, Query{}) {
			if err == nil || !strings.Contains(err.Error(), "has no tables of the store handler") {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestFactsAreKeptAsJSON(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{"caller":{"name":"<\u0000é>"}}}`)
		handle(t, []*events.Event{e}, db.open(t))
		var text []byte
		if err := db.QueryRow("SELECT facts FROM calls").Scan(&text); err != nil {
			t.Fatal(err)
		}
		var got calls.Facts
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if name := got.Record().Caller.Name; name != "<\x00é>" {
			t.Errorf("name %q", name)
		}
	})
}
