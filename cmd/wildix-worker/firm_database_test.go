package main

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// postgresVariable has the URL of a superuser of a PostgreSQL server.
const postgresVariable = "STORE_POSTGRES_URL"

// addArchive adds a database: PostgreSQL, or SQLite if there is no server.
func (f *firm) addArchive() {
	d := &firmDestination{name: "archive", wants: func(_ *firmCall, kind string) bool { return strings.HasPrefix(kind, "call:") }}
	var db *sql.DB
	if server := os.Getenv(postgresVariable); server != "" {
		db = f.addPostgres(server, d)
	} else {
		f.t.Logf("the database is SQLite: %s is not set; make test-all starts a PostgreSQL", postgresVariable)
		db = f.addSQLite(d)
	}
	f.t.Cleanup(func() { db.Close() })
	d.received = func(t *testing.T) arrivals { return storedKeys(t, db) }
	f.destinations = append(f.destinations, d)
}

// storedKeys returns which events are stored. A row is never written twice, so that the
// lives of workers make no difference.
func storedKeys(t *testing.T, db *sql.DB) arrivals {
	t.Helper()
	found := make(arrivals)
	rows, err := db.QueryContext(t.Context(), `SELECT raw FROM events`)
	if err != nil && strings.Contains(err.Error(), "events") {
		return found // the worker has not created the table yet
	}
	awstest.Fatal(t, err)
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		awstest.Fatal(t, rows.Scan(&raw))
		key := signature.Digest(raw)
		found[key] = append(found[key], "any")
	}
	awstest.Fatal(t, rows.Err())
	return found
}

// addSQLite has the destination write to a file. It is down while another transaction holds
// its lock.
func (f *firm) addSQLite(d *firmDestination) *sql.DB {
	path := filepath.Join(f.dir, "events.db")
	f.setenv("DATABASE_URL", "sqlite:"+path)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(60000)")
	awstest.Fatal(f.t, err)
	var lock *sql.Conn
	d.down = func(t *testing.T) {
		lock, err = db.Conn(t.Context())
		awstest.Fatal(t, err)
		_, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		awstest.Fatal(t, err)
	}
	d.up = func(t *testing.T) {
		_, err := lock.ExecContext(t.Context(), "ROLLBACK")
		awstest.Fatal(t, err)
		awstest.Fatal(t, lock.Close())
	}
	return db
}

// addPostgres has the destination write to a database of its own, through a proxy that is cut
// while it is down.
func (f *firm) addPostgres(server string, d *firmDestination) *sql.DB {
	own := newPostgres(f.t, server)
	db, err := sql.Open("pgx", own.String())
	awstest.Fatal(f.t, err)
	p := newFirmProxy(f.t, own.Host)
	own.Host = p.address
	f.setenv("DATABASE_URL", own.String())
	d.down, d.up = p.down, p.up
	return db
}

// newPostgres creates a database on a server, and returns its URL.
func newPostgres(t *testing.T, server string) *url.URL {
	t.Helper()
	admin, err := sql.Open("pgx", server)
	awstest.Fatal(t, err)
	name := "test_" + strings.ToLower(rand.Text())
	_, err = admin.ExecContext(t.Context(), "CREATE DATABASE "+name)
	awstest.Fatal(t, err)
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	own, err := url.Parse(server)
	awstest.Fatal(t, err)
	own.Path = "/" + name
	return own
}

// addScript adds a program that writes a line for each event. While it is down, it is not
// there.
func (f *firm) addScript() {
	folder := filepath.Join(f.dir, "scripts")
	program, ended := filepath.Join(folder, "call-ended.sh"), filepath.Join(folder, "ended")
	awstest.Fatal(f.t, os.Mkdir(folder, 0o700))
	// The process id of the worker tells its lives apart.
	awstest.Fatal(f.t, os.WriteFile(program, []byte("cat >/dev/null; echo $WILDIX_DELIVERY_KEY $PPID >>"+ended+"\n"), 0o600))
	awstest.Fatal(f.t, os.WriteFile(ended, nil, 0o600))
	f.setenv("SCRIPTS", folder)
	f.destinations = append(f.destinations, &firmDestination{
		name: "script", wants: func(_ *firmCall, kind string) bool { return kind == events.CallEnd },
		received: func(t *testing.T) arrivals {
			text, err := os.ReadFile(ended)
			awstest.Fatal(t, err)
			found := make(arrivals)
			for line := range strings.Lines(string(text)) {
				if key, life, ok := strings.Cut(line, " "); ok {
					found[key] = append(found[key], life)
				}
			}
			return found
		},
		down: func(t *testing.T) { awstest.Fatal(t, os.Rename(program, program+".gone")) },
		up:   func(t *testing.T) { awstest.Fatal(t, os.Rename(program+".gone", program)) },
	})
}
