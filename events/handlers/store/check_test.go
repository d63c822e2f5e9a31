package store

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
)

func oneEvent(t *testing.T) *events.Event {
	t.Helper()
	return decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
}

// checks returns the Check of a Store and of a State.
func checks(t *testing.T, url string) map[string]func(context.Context) error {
	t.Helper()
	store, err := New(Config{URL: url, Retention: MinRetention})
	if err != nil {
		t.Fatal(err)
	}
	state, err := NewState(StateConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	return map[string]func(context.Context) error{"store": store.Check, "state": state.Check}
}

func wantChecked(t *testing.T, url string) {
	t.Helper()
	for name, check := range checks(t, url) {
		if err := check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func wantRefused(t *testing.T, url string, texts ...string) {
	t.Helper()
	for name, check := range checks(t, url) {
		err := check(t.Context())
		if err == nil {
			t.Errorf("%s: no error, want %q", name, texts)
			continue
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q is not in: %v", name, text, err)
			}
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tables returns the number of tables of a database.
func (db *database) tables(t *testing.T) string {
	t.Helper()
	query := "SELECT count(*) AS n FROM sqlite_schema"
	if db.postgres {
		query = "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'public'"
	}
	return db.rows(t, query)
}

func TestCheckLeavesAnEmptyDatabaseEmpty(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		before := db.tables(t)
		wantChecked(t, db.url)
		if after := db.tables(t); after != before {
			t.Errorf("before %s after %s", before, after)
		}
	})
}

func TestCheckChangesNothingWhileAWorkerWrites(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		handle(t, []*events.Event{oneEvent(t)}, s)
		before := db.dump(t, "events") + db.dump(t, "calls") + db.tables(t)
		wantChecked(t, db.url)
		if after := db.dump(t, "events") + db.dump(t, "calls") + db.tables(t); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func TestCheckCreatesNoFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "events.db")
	wantChecked(t, "sqlite:"+path)
	wantRefused(t, "sqlite:"+filepath.Join(folder, "none", "events.db"), filepath.Join(folder, "none")+" does not exist; create it")
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestCheckDoesNotChangeAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	s, err := New(Config{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	handle(t, []*events.Event{oneEvent(t)}, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantChecked(t, "sqlite:"+path)
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(after) != string(before) {
		t.Error("the file has changed")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("the folder has %v", entries)
	}
}

func TestCheckNamesAWrongFile(t *testing.T) {
	folder := t.TempDir()
	wantRefused(t, "sqlite:"+folder, folder+" is not a regular file")
	path := filepath.Join(folder, "letter.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("Dear Ms Example, ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, "sqlite:"+path, "file is not a database", "give another path")
	wantRefused(t, "sqlite:"+filepath.Join(path, "events.db"), path+" is not a folder")
}

func TestCheckFindsRightsThatAreMissing(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere")
		}
		db := newSQLite(t)
		db.open(t).Close()
		path := strings.TrimPrefix(db.url, "sqlite:")
		t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) })
		os.Chmod(path, 0o400)
		wantRefused(t, db.url, path, "permission denied", "let the worker's user write")
		os.Chmod(filepath.Dir(path), 0o500)
		wantRefused(t, db.url, filepath.Dir(path), "permission denied")
	})
	t.Run("postgres", func(t *testing.T) {
		db := newPostgres(t)
		db.open(t)
		role := "reader_" + filepath.Base(db.url)
		db.exec(t, "CREATE ROLE "+role+" LOGIN PASSWORD 's3cret'")
		t.Cleanup(func() { db.exec(t, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
		db.exec(t, "GRANT CREATE ON SCHEMA public TO "+role+"; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+role)
		u, err := url.Parse(db.url)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, "s3cret")
		s, err := New(Config{URL: u.String()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "permission denied for table events") || !strings.Contains(err.Error(), "grant the user CREATE") {
			t.Errorf("got %v", err)
		}
		db.exec(t, "GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO "+role)
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCheckNamesWhyItCanNotConnect(t *testing.T) {
	db := newPostgres(t)
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), "s3cret")
	missing := *u
	missing.Path = "/none"
	wantRefused(t, missing.String(), `"none" does not exist`, "create the database")
	other := *u
	other.User = url.UserPassword("nobody", "s3cret")
	wantRefused(t, other.String(), "nobody", "check user and password in the URL")
	closed := *u
	closed.Host = "127.0.0.1:1"
	wantRefused(t, closed.String(), "127.0.0.1:1", "connection refused", "whether the server runs")
}

func TestCheckFindsATableThatIsMissing(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		db.exec(t, "DROP TABLE calls")
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "table calls") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCheckEndsWithItsContext(t *testing.T) {
	db := newPostgres(t)
	hanging, hang := hangable(t, db.url)
	hang()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for name, check := range checks(t, hanging) {
		if err := check(ctx); err == nil || !strings.Contains(err.Error(), "no answer within") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
