package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
)

// A replay is killed repeatedly and goes on. No event is lost, the first of each comes in the
// order of its time, and each kill repeats at most one.
func TestKilledReplayGoesOn(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { killReplays(t, "sqlite:"+filepath.Join(t.TempDir(), "events.db")) })
	t.Run("PostgreSQL", func(t *testing.T) {
		server := os.Getenv(postgresVariable)
		if server == "" {
			t.Skipf("%s is not set; make test-all starts a PostgreSQL", postgresVariable)
		}
		killReplays(t, newPostgres(t, server).String())
	})
}

func killReplays(t *testing.T, url string) {
	const count, kills = 200, 10
	want := storeEvents(t, url, count)
	seen := &endpoint{keys: make(map[string]int)}
	var mu sync.Mutex // a request of a killed program may still be running when the next one sends
	var order []string
	var unmarked int
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select { // what a killed program was sending has not come
		case <-r.Context().Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
		mu.Lock()
		defer mu.Unlock()
		key := r.Header.Get("Idempotency-Key")
		if seen.count(key) == 0 {
			order = append(order, key)
		}
		if r.Header.Get("X-Wildix-Replay") != "true" {
			unmarked++
		}
		seen.ServeHTTP(w, r)
	}))
	defer web.Close()
	t.Setenv("WILDIX_FORWARD_URL", web.URL)
	state := t.TempDir()
	t.Setenv("STATE_DIRECTORY", state)
	t.Setenv("WILDIX_STORE_URL", url)
	args := []string{"replay", "--handlers", "forward", "--to", "forward", "--since", "2026-01-01"}
	for i := range kills {
		replay := startProgram(t, args...)
		seen.await(t, (i+1)*count/(2*kills))
		time.Sleep(time.Duration(i) * time.Millisecond) // to kill it at different places
		awstest.Fatal(t, replay.Process.Kill())
		replay.Wait()
		if i == 0 {
			args = append(args, "--resume")
		}
	}
	replay := startProgram(t, args...)
	if err := replay.Wait(); err != nil {
		t.Errorf("%v\n%s", err, replay.Stderr)
	}
	requests, distinct := seen.counts()
	t.Logf("%d kills: %d events in %d requests", kills, distinct, requests)
	if strings.Join(order, " ") != strings.Join(want, " ") || unmarked != 0 {
		t.Errorf("%d of %d events came, or in another order; %d have no mark", distinct, count, unmarked)
	}
	if requests-distinct > kills {
		t.Errorf("%d requests are repeats, want at most one for each of %d kills", requests-distinct, kills)
	}
	if left, err := filepath.Glob(filepath.Join(state, "replay-*.json")); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

// storeEvents writes events to a database, a second apart, and returns their keys in the order
// of time.
func storeEvents(t *testing.T, url string, count int) (keys []string) {
	t.Helper()
	h, err := store.New(store.Config{URL: url})
	awstest.Fatal(t, err)
	awstest.Fatal(t, h.Connect(t.Context()))
	for i := range count {
		e, err := events.Decode(fmt.Appendf(nil, `{"id":"call-%d","type":"call:end","time":%d,"data":{}}`, i, 1767254400000+i*1000))
		awstest.Fatal(t, err)
		awstest.Fatal(t, h.HandleEvent(t.Context(), e))
		keys = append(keys, e.DeliveryKey())
	}
	awstest.Fatal(t, h.Close())
	return keys
}

func (e *endpoint) count(key string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.keys[key]
}
