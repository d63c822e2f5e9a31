package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/consumer/sqslocal"
)

const (
	killEvents      = 1500
	kills           = 20
	killConcurrency = 8 // events handled at once
)

// The worker is killed repeatedly under load, during handlers, records and deletes. Each
// event must be stored once, and forwarded at least once. The test logs how many requests the
// endpoint receives again, with the same idempotency key.
func TestKilledWorkersStoreEachEventOnceAndForwardAll(t *testing.T) {
	t.Run("deduplicating in memory", func(t *testing.T) { killUnderLoad(t) })
	t.Run("deduplicating in DynamoDB", func(t *testing.T) {
		endpoint := os.Getenv(awstest.TablesVariable)
		if endpoint == "" {
			t.Skip("DYNAMODB_ENDPOINT is not set; make test-all starts a DynamoDB")
		}
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
		if repeats := killUnderLoad(t, "--once-table", newOnceTable(t)); repeats > kills*killConcurrency {
			t.Errorf("%d requests are repeats, want at most %d for each of %d kills", repeats, killConcurrency, kills)
		}
	})
}

// killUnderLoad runs and kills workers until all events are handled, and returns how many
// requests of the endpoint were repeats.
func killUnderLoad(t *testing.T, args ...string) (repeats int) {
	srv := sqslocal.New(sqslocal.Options{})
	awstest.Fatal(t, srv.Start(""))
	defer srv.Close()
	queueURL, err := srv.CreateQueue("calls", nil)
	awstest.Fatal(t, err)
	seen := &endpoint{keys: make(map[string]int)}
	web := httptest.NewServer(seen)
	defer web.Close()
	file := filepath.Join(t.TempDir(), "calls.db")
	for name, value := range map[string]string{
		"WILDIX_QUEUE_URL": queueURL, "WILDIX_SECRET": "s3cret", "WILDIX_ADMIN_ADDR": "",
		"WILDIX_FORWARD_URL": web.URL, "WILDIX_STORE_URL": "sqlite:" + file,
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	sendForKill(t, srv, queueURL)

	// With a short visibility timeout, the messages of a killed worker soon come back.
	args = append([]string{"run", "--handlers", "store,forward", "--visibility-timeout", "3s", "--handler-timeout", "2s", "--concurrency", fmt.Sprint(killConcurrency)}, args...)
	for i := range kills {
		worker := startProgram(t, args...)
		seen.await(t, (i+1)*killEvents/(2*kills))
		awstest.Fatal(t, worker.Process.Kill())
		worker.Wait()
	}
	worker := startProgram(t, args...)
	for deadline := time.Now().Add(2 * time.Minute); held(srv, "calls") > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the queue holds %d messages after two minutes", held(srv, "calls"))
		}
	}
	awstest.Fatal(t, worker.Process.Signal(syscall.SIGTERM))
	if err := worker.Wait(); err != nil {
		t.Errorf("the last worker: %v\n%s", err, worker.Stderr)
	}

	requests, distinct := seen.counts()
	stored, repeated := storedEvents(t, file)
	t.Logf("%d kills: %d events sent, %d stored, %d of them twice; the endpoint received %d in %d requests: %d repeats",
		kills, killEvents, stored, repeated, distinct, requests, requests-distinct)
	if stored != killEvents || repeated != 0 || distinct != killEvents {
		t.Error("an event was lost, or stored twice")
	}
	return requests - distinct
}

// An endpoint counts its requests by idempotency key.
type endpoint struct {
	mu       sync.Mutex
	keys     map[string]int
	requests int
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(5 * time.Millisecond) // so that workers are killed during requests
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys[r.Header.Get("Idempotency-Key")]++
	e.requests++
	w.WriteHeader(http.StatusNoContent)
}

func (e *endpoint) counts() (requests, distinct int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests, len(e.keys)
}

func (e *endpoint) await(t *testing.T, distinct int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, n := e.counts(); n >= distinct {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the endpoint has not received %d events within a minute", distinct)
		}
	}
}

func sendForKill(t *testing.T, srv *sqslocal.Server, queueURL string) {
	t.Helper()
	pbx := fakepbx.New()
	var messages []outgoing.Message
	for len(messages) < killEvents {
		call := pbx.NewCall()
		for !call.Ended && len(messages) < killEvents {
			eventType, body := call.Next()
			body = bytes.Replace(body, []byte("{"), fmt.Appendf(nil, `{"n":%d,`, len(messages)), 1) // makes each event unique
			messages = append(messages, outgoing.Sign("s3cret", eventType, call.ID, body, ""))
		}
	}
	_, err := outgoing.Send(t.Context(), srv.Client(), queueURL, messages)
	awstest.Fatal(t, err)
}

// startProgram starts the program. Its Stderr is a *strings.Builder.
func startProgram(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("wildix-worker", args...)
	cmd.Stderr = &strings.Builder{}
	awstest.Fatal(t, cmd.Start())
	return cmd
}

// storedEvents returns how many rows the table of events has, and how many of them repeat an
// event.
func storedEvents(t *testing.T, file string) (rows, repeated int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	awstest.Fatal(t, err)
	defer db.Close()
	awstest.Fatal(t, db.QueryRowContext(t.Context(), `SELECT COUNT(*), COUNT(*) - COUNT(DISTINCT raw) FROM events`).Scan(&rows, &repeated))
	return rows, repeated
}
