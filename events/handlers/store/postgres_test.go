package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"wildix-worker/events"
)

func TestLostConnectionIsATemporaryError(t *testing.T) {
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

// A connection, and so its prepared statements, may last for months.
func TestStaleStatementsArePreparedAgain(t *testing.T) {
	db := newPostgres(t)
	s := db.open(t)
	for name, change := range map[string]func(){
		"another type": func() { db.exec(t, "ALTER TABLE calls ALTER COLUMN id TYPE varchar(300)") },
		"a new column": func() { db.exec(t, "ALTER TABLE calls ADD COLUMN note text") },
		"a pooler": func() {
			if _, err := s.writer.conn.db.Exec("DEALLOCATE ALL"); err != nil {
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

// TestStatementThatTimesOutDoesNotBlockTheNext needs another connection: the first is
// still busy.
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

func TestServerThatHangsDoesNotDelayClose(t *testing.T) {
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
	for s.writer.conn.db.Stats().InUse == 0 {
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
		t.Errorf("Close took %s", took)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun = time.Now()
	if s, err = New(Config{URL: url}); err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(ctx); err == nil {
		t.Error("connected, though the server does not answer")
	}
	if err := s.Close(); err != nil { // which ends the try to connect
		t.Error(err)
	}
	if took := time.Since(begun); took > connectTimeout/2 {
		t.Errorf("Connect and Close took %s", took)
	}
}

func TestFirstReachableServerOfAListIsUsed(t *testing.T) {
	db := newPostgres(t)
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "127.0.0.1:1," + u.Host
	u.RawQuery = "fallback_application_name=crm" // which the server must not get
	db.url = u.String()
	handle(t, []*events.Event{decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)}, db.open(t))
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
			if err := s.writer.conn.db.QueryRow("SELECT count(*) FROM pg_prepared_statements").Scan(&prepared); err != nil || prepared != 0 {
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
