package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/internal/sqscall"
)

// The signing secret is rotated under traffic, in the steps of deploy/ROTATE.md. Each event
// must be handled once, and none rejected.
func TestSecretIsRotatedWithoutLosingAnEvent(t *testing.T) {
	const first, second = "the old secret", "the new secret"
	t.Run("by replacing workers", func(t *testing.T) {
		t.Parallel()
		workers := &fleet{}
		rotate(t, workers, rotation{
			start:        func(t *testing.T) { workers.replace(t, "WILDIX_SECRET="+first) },
			acceptBoth:   func(t *testing.T) { workers.replace(t, "WILDIX_SECRET="+second, "WILDIX_PREVIOUS_SECRET="+first) },
			acceptSecond: func(t *testing.T) { workers.replace(t, "WILDIX_SECRET="+second) },
		}, first, second)
	})
	t.Run("by changing a file", func(t *testing.T) {
		t.Parallel()
		workers := &fleet{}
		file := filepath.Join(t.TempDir(), "secrets")
		write := func(t *testing.T, content string) {
			awstest.Fatal(t, os.WriteFile(file+".new", []byte(content), 0o600))
			awstest.Fatal(t, os.Rename(file+".new", file))
		}
		change := func(t *testing.T, content string) {
			changes := strings.Count(workers.read(t), "secrets file read again")
			write(t, content)
			waitUntil(t, "the file is read again", func() bool {
				return strings.Count(workers.read(t), "secrets file read again") > changes
			})
		}
		rotate(t, workers, rotation{
			start: func(t *testing.T) {
				write(t, first+"\n")
				workers.replace(t, "WILDIX_SECRETS_FILE="+file)
			},
			acceptBoth:   func(t *testing.T) { change(t, first+"\n"+second+"\n") },
			acceptSecond: func(t *testing.T) { change(t, second+"\n") },
		}, first, second)
	})
}

// A rotation has the steps that change the secrets of the workers. The PBX gets the second
// secret after acceptBoth.
type rotation struct {
	start, acceptBoth, acceptSecond func(*testing.T)
}

// rotateEvents is the minimum number of events that are handled in each step.
const rotateEvents = 100

func rotate(t *testing.T, workers *fleet, steps rotation, first, second string) {
	srv := sqslocal.New(sqslocal.Options{})
	awstest.Fatal(t, srv.Start(""))
	defer srv.Close()
	_, err := srv.CreateQueue("dead", nil)
	awstest.Fatal(t, err)
	queueURL, err := srv.CreateQueue("calls", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"10"}`,
	})
	awstest.Fatal(t, err)
	events := &traffic{client: srv.Client(), queueURL: queueURL, secret: first, handled: make(map[int]int)}
	endpoint := httptest.NewServer(events)
	defer endpoint.Close()
	workers.environment = append(os.Environ(),
		"WILDIX_QUEUE_URL="+queueURL, "WILDIX_ADMIN_ADDR=", "WILDIX_HANDLERS=forward", "WILDIX_FORWARD_URL="+endpoint.URL,
		// Messages in a response that a stopped worker did not read come back after this time.
		"WILDIX_VISIBILITY_TIMEOUT=10s", "WILDIX_HANDLER_TIMEOUT=9s",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	end := events.start(t)
	defer end()

	steps.start(t)
	events.awaitHandled(t, rotateEvents)
	steps.acceptBoth(t)
	events.awaitHandled(t, rotateEvents)
	events.signWith(second)
	events.awaitHandled(t, rotateEvents)
	events.awaitAll(t) // those with the first secret too
	steps.acceptSecond(t)
	events.awaitHandled(t, rotateEvents)
	end()
	events.awaitAll(t)
	workers.stop(t)

	t.Logf("%d events", events.sent)
	for n := range events.sent {
		if times := events.handled[n]; times != 1 {
			t.Errorf("event %d was handled %d times", n, times)
		}
	}
	if left, dead := held(srv, "calls"), held(srv, "dead"); left != 0 || dead != 0 {
		t.Errorf("%d messages are left, %d in the dead-letter queue", left, dead)
	}
}

// A traffic is a PBX that sends events continuously, and the endpoint to which they are
// forwarded. Each event has a number in its body.
type traffic struct {
	client   *sqs.Client
	queueURL string

	mu      sync.Mutex
	secret  string
	paused  bool
	sent    int
	handled map[int]int // count by the event's number
}

// backlog is how many events may be sent and not handled, so that slow workers keep up.
const backlog = 200

// start sends events until end is called.
func (e *traffic) start(t *testing.T) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		call := fakepbx.New().NewCall()
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if batch := e.next(call); len(batch) > 0 {
				if _, err := outgoing.Send(t.Context(), e.client, e.queueURL, batch); err != nil {
					t.Errorf("send: %v", err)
					return
				}
			}
		}
	}()
	return sync.OnceFunc(func() { close(stop); <-stopped })
}

// next returns the next batch. It is empty while paused, or if the backlog is full.
func (e *traffic) next(call *fakepbx.Call) (batch []outgoing.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paused || e.sent-len(e.handled) > backlog {
		return nil
	}
	for range sqscall.MaxBatch {
		body := bytes.Replace(call.Body("call:update"), []byte("{"), fmt.Appendf(nil, `{"n":%d,`, e.sent), 1)
		batch = append(batch, outgoing.Sign(e.secret, "call:update", call.ID, body, ""))
		e.sent++
	}
	return batch
}

// signWith changes the secret that the PBX signs with.
func (e *traffic) signWith(secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secret = secret
}

// ServeHTTP counts an event.
func (e *traffic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct{ N int }
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handled[event.N]++
	w.WriteHeader(http.StatusNoContent)
}

// awaitHandled waits until the given number of further events have been handled.
func (e *traffic) awaitHandled(t *testing.T, more int) {
	t.Helper()
	_, before := e.counts()
	waitUntil(t, fmt.Sprintf("%d more events are handled", more), func() bool {
		_, handled := e.counts()
		return handled >= before+more
	})
}

// awaitAll pauses the PBX until all events that were sent have been handled.
func (e *traffic) awaitAll(t *testing.T) {
	t.Helper()
	e.pause(true)
	defer e.pause(false)
	waitUntil(t, "all events are handled", func() bool {
		sent, handled := e.counts()
		return sent == handled
	})
}

func (e *traffic) pause(paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paused = paused
}

func (e *traffic) counts() (sent, handled int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sent, len(e.handled)
}

// A fleet is a running worker and its log file.
type fleet struct {
	environment []string
	worker      *exec.Cmd
	log         string
}

// replace starts a worker and then stops the previous one, as a rolling update does.
func (f *fleet) replace(t *testing.T, environment ...string) {
	t.Helper()
	before := *f
	f.log = filepath.Join(t.TempDir(), "log")
	file, err := os.Create(f.log)
	awstest.Fatal(t, err)
	defer file.Close()
	worker := exec.Command("wildix-worker", "run")
	worker.Env = slices.Concat(f.environment, environment)
	worker.Stderr = file
	f.worker = worker
	awstest.Fatal(t, worker.Start())
	t.Cleanup(func() {
		if worker.ProcessState == nil { // the test failed
			worker.Process.Kill()
			worker.Wait()
			t.Logf("log of the worker that still ran:\n%s", f.read(t))
		}
	})
	waitUntil(t, "the worker consumes", func() bool { return strings.Contains(f.read(t), `"message":"consuming"`) })
	before.stop(t)
}

// stop stops the worker, and checks that it has drained and rejected nothing.
func (f *fleet) stop(t *testing.T) {
	t.Helper()
	if f.worker == nil {
		return
	}
	awstest.Fatal(t, f.worker.Process.Signal(syscall.SIGTERM))
	err := f.worker.Wait()
	if log := f.read(t); err != nil || !strings.Contains(log, `"message":"drained"`) || !strings.Contains(log, `"rejected":0,`) {
		t.Errorf("the worker: %v\n%s", err, log)
	}
}

func (f *fleet) read(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(f.log)
	awstest.Fatal(t, err)
	return string(content)
}

// waitUntil waits until a condition is true. It fails the test after a minute, which is far more
// than other processes need.
func waitUntil(t *testing.T, condition string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", condition)
		}
	}
}
