package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "modernc.org/sqlite"
)

// postgresVariable holds the URL of a superuser of a PostgreSQL server, on
// which each test creates its own database.
const postgresVariable = "STORE_POSTGRES_URL"

// A database is an empty database of a test.
type database struct {
	url string
	*sql.DB
	postgres bool
}

// onEach runs a test on SQLite and on PostgreSQL.
func onEach(t *testing.T, test func(t *testing.T, db *database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newPostgres(t)) })
}

func newSQLite(t testing.TB) *database {
	path := filepath.Join(t.TempDir(), "events #1%.db") // a path that a URL must escape
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &database{"sqlite:" + path, db, false}
}

func newPostgres(t testing.TB) *database {
	server := os.Getenv(postgresVariable)
	if server == "" {
		t.Skipf("no PostgreSQL: %s is not set; `make test-all` starts one", postgresVariable)
	}
	admin := connectTo(t, server)
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	own, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	own.Path = "/" + name
	db := connectTo(t, own.String())
	t.Cleanup(func() {
		db.Close()
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	return &database{own.String(), db, true}
}

// connectTo returns a pool whose application_name differs from that of a store.
func connectTo(t testing.TB, postgresURL string) *sql.DB {
	target, err := parsePostgres(postgresURL + "?application_name=test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.hangUp)
	return sql.OpenDB(target.connector)
}

// hangable returns the URL of a proxy to a PostgreSQL server. Once it hangs, it passes
// on nothing, not even the end of a connection.
func hangable(t testing.TB, postgresURL string) (proxyURL string, hang func()) {
	t.Helper()
	proxyURL, hangs := proxyTo(t, postgresURL)
	return proxyURL, func() { hangs.Store(true) }
}

// proxyTo returns the URL of a proxy to a PostgreSQL server. While hangs is true, it passes on
// nothing. What it should have passed on then is lost.
func proxyTo(t testing.TB, postgresURL string) (proxyURL string, hangs *atomic.Bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return proxyOn(t, l, postgresURL)
}

// proxyOn is proxyTo with a listener, which it closes when the test ends.
func proxyOn(t testing.TB, l net.Listener, postgresURL string) (proxyURL string, hangs *atomic.Bool) {
	t.Helper()
	hangs = &atomic.Bool{}
	u, err := url.Parse(postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	var relays sync.WaitGroup
	relay := func(to, from net.Conn) {
		for buffer := make([]byte, 4096); ; {
			n, err := from.Read(buffer)
			if err != nil {
				to.Close()
				return
			}
			if !hangs.Load() {
				to.Write(buffer[:n])
			}
		}
	}
	relays.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			relays.Go(func() { relay(conn, client) })
			relays.Go(func() { relay(client, conn) })
		}
	})
	t.Cleanup(func() { l.Close(); relays.Wait() })
	u.Host = l.Addr().String()
	return u.String(), hangs
}

// open returns a connected store, which is closed when the test ends.
func (db *database) open(t testing.TB) *Store {
	t.Helper()
	s, err := New(Config{URL: db.url})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dump returns all rows of a table, sorted by the first two columns.
func (db *database) dump(t testing.TB, table string) string {
	t.Helper()
	return db.rows(t, "SELECT * FROM "+table+" ORDER BY 1, 2")
}

// rows returns the rows of a query as text.
func (db *database) rows(t testing.TB, query string) string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			if raw, ok := value.([]byte); ok {
				value = string(raw)
			}
			fmt.Fprintf(&out, "%s=%v ", columns[i], value)
		}
		out.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func (db *database) count(t testing.TB, table string) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (db *database) exec(t testing.TB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func (db *database) empty(t testing.TB) {
	t.Helper()
	db.exec(t, "DELETE FROM events")
	db.exec(t, "DELETE FROM calls")
}

// refuse adds a constraint that refuses calls whose id begins with the prefix.
func (db *database) refuse(t testing.TB, prefix string) {
	t.Helper()
	db.refuseIn(t, "calls", prefix)
}

func (db *database) refuseIn(t testing.TB, table, prefix string) {
	t.Helper()
	if db.postgres {
		db.exec(t, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT refused CHECK (id NOT LIKE '%s%%')", table, prefix))
		return
	}
	db.exec(t, fmt.Sprintf("CREATE TRIGGER refused BEFORE INSERT ON %s WHEN NEW.id LIKE '%s%%' BEGIN SELECT RAISE(ABORT, 'refused'); END", table, prefix))
}

// lock prevents writes to a table by others until release is called.
func (db *database) lock(t testing.TB, table string) (release func()) {
	t.Helper()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	begin := "BEGIN IMMEDIATE"
	if db.postgres {
		begin = "BEGIN; LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE"
	}
	if _, err := conn.ExecContext(context.Background(), begin); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
}

// writerOn returns another writer for the database, so that a test can commit batches of
// its choice.
func writerOn(t testing.TB, url string) *writer {
	t.Helper()
	s, err := New(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.writer
}
