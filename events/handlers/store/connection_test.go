package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"wildix-worker/events"
)

const someEvent = `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`

// storeOf returns a store that is not connected, and is closed when the test ends.
func storeOf(t *testing.T, url string) *Store {
	t.Helper()
	s, err := New(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// failsForNow fails the test unless connecting fails and may succeed later.
func failsForNow(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Connect(t.Context()); err == nil || errors.Is(err, ErrUnusable) {
		t.Errorf("Connect returned %v", err)
	}
	if err := s.HandleEvent(t.Context(), decode(t, someEvent)); err == nil || events.IsPermanent(err) {
		t.Errorf("HandleEvent returned %v", err)
	}
}

func TestServerThatIsDownAtTheStartIsConnectedToWhenItIsUp(t *testing.T) {
	db := newPostgres(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.Addr().String()
	l.Close()
	s := storeOf(t, u.String())
	failsForNow(t, s)
	if l, err = net.Listen("tcp", u.Host); err != nil {
		t.Fatal(err)
	}
	proxyOn(t, l, db.url)
	defer s.Close() // before the proxy
	handle(t, []*events.Event{decode(t, someEvent)}, s)
	if n := db.count(t, "events"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// A login or a database may be created while the worker runs.
func TestRefusedLoginIsNotForEver(t *testing.T) {
	db := newPostgres(t)
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	role := strings.TrimPrefix(u.Path, "/")
	u.User = url.User(role)
	s := storeOf(t, u.String())
	failsForNow(t, s)
	db.exec(t, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() { db.exec(t, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	failsForNow(t, s) // it may not create tables
	db.exec(t, "GRANT CREATE ON SCHEMA public TO "+role)
	handle(t, []*events.Event{decode(t, someEvent)}, s)
}

// PostgreSQL refuses some parameters with the code of a value that it can't store.
func TestRefusedParameterOfTheURLIsNoFaultOfAnEvent(t *testing.T) {
	db := newPostgres(t)
	url := db.url + "?timezone=Nowhere"
	failsForNow(t, storeOf(t, url))
	_, err := connect(t.Context(), url, storeSchema, zap.NewNop()) // as when a connection is made again
	if d := (&postgresDialect{}); err == nil || !d.temporary(err) || d.refused(err) {
		t.Errorf("temporary %t, refused %t: %v", d.temporary(err), d.refused(err), err)
	}
}

func TestFileThatCanNotBeOpenedIsUnusable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"none/events.db":   "none/events.db: no such file",
		"text.db/other.db": "not a directory",
		"text.db":          "not a database",
		".":                "unable to open",
	} {
		s := storeOf(t, "sqlite:"+filepath.Join(dir, path))
		if err := s.Connect(t.Context()); !errors.Is(err, ErrUnusable) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v", path, err)
		}
		if err := s.HandleEvent(t.Context(), decode(t, someEvent)); err == nil || events.IsPermanent(err) {
			t.Errorf("%s: HandleEvent returned %v", path, err)
		}
	}
	s := storeOf(t, "sqlite:"+filepath.Join(dir, "later", "events.db"))
	if err := s.Connect(t.Context()); !errors.Is(err, ErrUnusable) {
		t.Errorf("got %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "later"), 0o700); err != nil {
		t.Fatal(err)
	}
	handle(t, []*events.Event{decode(t, someEvent)}, s)
}
