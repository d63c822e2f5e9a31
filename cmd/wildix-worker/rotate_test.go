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

// The signing secret is rotated under traffic, by the steps of deploy/ROTATE.md: each event
// is handled once, and none is rejected.
func TestSecretIsRotatedWithoutLosingAnEvent(t *testing.T) {
	const first, second = "the old secret", "the new secret"
	t.Run("by replacing workers", func(t *testing.T) {
		t.Parallel()
		workers := &fleet{}
		rotate(t, workers, rotation{
			start:    func(t *testing.T) { workers.replace(t, "WILDIX_SECRET="+first) },
			takeBoth: func(t *testing.T) { workers.replace(t, "WILDIX_SECRET="+second, "WILDIX_PREVIOUS_SECRET="+first) },
			takeNew:  func(t *testing.T) { workers.replace(t, "WILDIX_SECRET="+second) },
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
			awaitThat(t, "the file is read again", func() bool {
				return strings.Count(workers.read(t), "secrets file read again") > changes
			})
		}
		rotate(t, workers, rotation{
			start: func(t *testing.T) {
				write(t, first+"\n")
				workers.replace(t, "WILDIX_SECRETS_FILE="+file)
			},
			takeBoth: func(t *testing.T) { change(t, first+"\n"+second+"\n") },
			takeNew:  func(t *testing.T) { change(t, second+"\n") },
		}, first, second)
	})
}

// A rotation is the steps for the workers. The PBX is changed after takeBoth.
type rotation struct {
	start, takeBoth, takeNew func(*testing.T)
}

// rotateEvents is how many events are handled at least in each step of a rotation.
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
		// A message of an answer that a stopped worker did not read comes back after this time.
		"WILDIX_VISIBILITY_TIMEOUT=10s", "WILDIX_HANDLER_TIMEOUT=9s",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	end := events.start(t)
	defer end()

	steps.start(t)
	events.awaitHandled(t, rotateEvents)
	steps.takeBoth(t)
	events.awaitHandled(t, rotateEvents)
	events.signWith(second)
	events.awaitHandled(t, rotateEvents)
	events.awaitQuiet(t) // no event with the old secret is left
	steps.takeNew(t)
	events.awaitHandled(t, rotateEvents)
	end()
	events.awaitQuiet(t)
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

// A traffic is a PBX that sends all the time, and the endpoint that its events are
// forwarded to. Each event has a number in its body.
type traffic struct {
	client   *sqs.Client
	queueURL string

	mu      sync.Mutex
	secret  string
	paused  bool
	sent    int
	handled map[int]int // count by the event's number
}

// backlog is the most events that wait, so that slow workers keep up.
const backlog = 200

// start sends until end is called.
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

// next returns the next batch, or none if enough events wait.
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

// awaitHandled waits until so many more events have been handled.
func (e *traffic) awaitHandled(t *testing.T, more int) {
	t.Helper()
	_, before := e.counts()
	awaitThat(t, fmt.Sprintf("%d more events are handled", more), func() bool {
		_, handled := e.counts()
		return handled >= before+more
	})
}

// awaitQuiet waits until all that was sent has been handled.
func (e *traffic) awaitQuiet(t *testing.T) {
	t.Helper()
	e.pause(true)
	defer e.pause(false)
	awaitThat(t, "all events are handled", func() bool {
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

// A fleet is the running worker and its log file.
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
			t.Logf("the worker that was left:\n%s", f.read(t))
		}
	})
	awaitThat(t, "the worker consumes", func() bool { return strings.Contains(f.read(t), `"message":"consuming"`) })
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

// awaitThat waits for another process, for far longer than it takes.
func awaitThat(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for a minute until %s", what)
		}
	}
}
