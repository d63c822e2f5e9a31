package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
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
	"wildix-worker/events"
)

// While events arrive, the configuration file is rewritten: destinations are added, changed
// and removed, one of them is down, and one of the files is wrong. Each destination must get
// each of its events, once.
func TestReloadLosesAndRepeatsNoEvent(t *testing.T) {
	for name, watch := range map[string]bool{"after SIGHUP": false, "watching the file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reloadUnderLoad(t, watch)
		})
	}
}

func reloadUnderLoad(t *testing.T, watch bool) {
	r := newReloading(t)
	crm, crm2, archive, archive2, extra := newSink(t), newSink(t), newSink(t), newSink(t), newSink(t)
	r.write(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s}\n  archive: {type: http, url: %s}\n", crm.url, archive.url))
	r.start("--config", r.file, fmt.Sprintf("--watch-config=%t", watch))
	reload := func(text string) {
		r.write(text)
		if !watch {
			awstest.Fatal(t, r.worker.Process.Signal(syscall.SIGHUP))
		}
	}
	stop := r.stream()
	crm.await(50)

	archive.setDown(true)
	r.log.await(t, "destination down", "archive")
	reload(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s}\n  archive: {type: http, url: %s}\n  extra: {type: http, url: %s}\n", crm.url, archive.url, extra.url))
	r.log.await(t, "configuration read again", `"added":["extra"],"changed":[],"removed":[],"kept":["crm","archive"]`)
	firstOfExtra := r.sent()

	reload(fmt.Sprintf("destinations:\n  crm: {type: http, url: [%s]}\n  archive: {type: htp, url: %s}\n", crm.url, archive.url))
	r.log.await(t, "can't be used", r.file+":2:")
	r.log.await(t, "can't be used", r.file+`:3:19: destinations.archive.type`)
	crm.await(len(crm.had()) + 50)

	reload(fmt.Sprintf("concurrency: 32\ndestinations:\n  extra: {type: http, url: %s}\n  crm: {type: http, url: %s}\n  archive: {type: http, url: %s}\n", extra.url, crm2.url, archive.url))
	r.log.await(t, "configuration read again", `"changed":["crm"],"removed":[],"kept":["extra","archive"]`)
	r.log.await(t, "needs a restart", `["concurrency"]`)
	crm2.await(50)

	reload(fmt.Sprintf("destinations:\n  extra: {type: http, url: %s}\n  crm: {type: http, url: %s}\n  archive: {type: http, url: %s}\n", extra.url, crm2.url, archive2.url))
	r.log.await(t, "configuration read again", `"changed":["archive"],"removed":[],"kept":["extra","crm"]`)
	lastOfExtra := r.sent()
	extra.awaitAll(r.keys(firstOfExtra, lastOfExtra))

	reload(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s}\n  archive: {type: http, url: %s}\n", crm2.url, archive2.url))
	r.log.await(t, "configuration read again", `"changed":[],"removed":["extra"],"kept":["crm","archive"]`)
	stop()
	r.finish()

	all := r.keys(0, r.sent())
	wantOnce(t, "crm", all, crm, crm2)
	wantOnce(t, "archive", all, archive, archive2)
	wantOnce(t, "extra", r.keys(firstOfExtra, lastOfExtra), extra)
	t.Logf("%d events; crm %d + %d, archive %d + %d, extra %d", len(all), len(crm.had()), len(crm2.had()), len(archive.had()), len(archive2.had()), len(extra.had()))
}

// A destination that gets call:finished can be added and removed too. The others don't get it.
func TestReloadAddsADestinationOfWholeCalls(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	crm, finished := newSink(t), newSink(t)
	plain := fmt.Sprintf("destinations:\n  crm: {type: http, url: %s}\n", crm.url)
	r.write(plain)
	r.start("--config", r.file, "--state", "sqlite:"+filepath.Join(t.TempDir(), "state.db"))
	r.call()
	crm.await(r.sent())
	r.write(plain + fmt.Sprintf("  missed: {type: http, url: %s, on: [\"call:finished\"]}\n", finished.url))
	r.hangUp()
	r.log.await(t, "configuration read again", `"added":["missed"]`)
	r.call()
	finished.await(1)
	r.write(plain)
	r.hangUp()
	r.log.await(t, "configuration read again", `"removed":["missed"]`)
	r.call()
	crm.await(r.sent())
	r.finish()
	wantOnce(t, "crm", r.keys(0, r.sent()), crm)
	if calls, others := len(finished.had()), len(crm.had()); calls != 1 || others != r.sent() {
		t.Errorf("%d finished calls, want 1; the other destination has %d of %d events", calls, others, r.sent())
	}
}

// What a destination has had is not repeated after it has changed, a destination that can't be
// opened changes nothing, and a template is part of its destination.
func TestReloadKeepsWhatIsDone(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	first, second := newSink(t), newSink(t)
	template := filepath.Join(t.TempDir(), "crm.tmpl")
	awstest.Fatal(t, os.WriteFile(template, []byte(`{"id": {{json .ID}}}`), 0o600))
	r.write(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s}\n", first.url))
	r.start("--config", r.file)
	r.call()
	first.await(r.sent())
	r.write(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s, template: %s}\n", second.url, template))
	r.hangUp()
	r.log.await(t, "configuration read again", `"changed":["crm"]`)
	r.send(r.messages)
	awaitTrue(t, "the queue to be empty", func() bool { return held(r.srv, "calls") == 0 })
	if had := len(second.had()); had > 0 {
		t.Errorf("%d events are repeated", had)
	}

	r.write(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s}\n  archive: {type: database, url: 'sqlite:%s/none/events.db'}\n", first.url, t.TempDir()))
	r.hangUp()
	r.log.await(t, "can't be used", "handler archive: ")
	before := r.sent()
	r.call()
	second.await(r.sent() - before)

	r.write(fmt.Sprintf("destinations:\n  crm: {type: http, url: %s, template: %s}\n", second.url, template))
	r.hangUp()
	r.log.await(t, "configuration read again", `"kept":["crm"]`)
	awstest.Fatal(t, os.WriteFile(template, []byte(`{"call": {{json .ID}}}`), 0o600))
	r.hangUp()
	awaitTrue(t, "the change of the template", func() bool { return strings.Count(r.log.String(), `"changed":["crm"]`) == 2 })
	r.finish()
	wantOnce(t, "crm", r.keys(0, r.sent()), first, second)
}

// The webhook reads its destinations again too.
func TestReloadOfTheWebhook(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	first, second := newSink(t), newSink(t)
	addr, err := freeAddr()
	awstest.Fatal(t, err)
	r.command, r.started = "webhook", "receiving"
	r.write(fmt.Sprintf("listen_addr: %s\ndestinations:\n  crm: {type: http, url: %s}\n", addr, first.url))
	r.start("--config", r.file)
	r.post(addr)
	first.await(1)
	r.write(fmt.Sprintf("listen_addr: %s\ndestinations:\n  crm: {type: http, url: %s}\n", addr, second.url))
	r.hangUp()
	r.log.await(t, "configuration read again", `"changed":["crm"]`)
	r.post(addr)
	second.await(1)
	r.finish()
}

// Without a file there is nothing to read again, and the worker goes on.
func TestHangupWithoutAFileDoesNotEndTheWorker(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	r.start("--handlers", "log")
	r.hangUp()
	r.log.await(t, "SIGHUP has no effect", "")
	r.finish()
}

// reloading is a worker whose configuration file changes, and its queue.
type reloading struct {
	t        *testing.T
	file     string
	srv      *sqslocal.Server
	queueURL string
	pbx      *fakepbx.PBX
	command  string
	started  string // the message of the log
	worker   *exec.Cmd
	log      *logLines

	mu       sync.Mutex
	sentKeys []string
	messages []outgoing.Message // of the last call
}

func newReloading(t *testing.T) *reloading {
	t.Helper()
	r := &reloading{t: t, file: filepath.Join(t.TempDir(), "worker.yaml"), srv: sqslocal.New(sqslocal.Options{}), pbx: fakepbx.New(), log: &logLines{}, command: "run", started: "consuming"}
	awstest.Fatal(t, r.srv.Start(""))
	t.Cleanup(func() { r.srv.Close() })
	var err error
	r.queueURL, err = r.srv.CreateQueue("calls", nil)
	awstest.Fatal(t, err)
	return r
}

// write replaces the file, in one step.
func (r *reloading) write(text string) {
	r.t.Helper()
	awstest.Fatal(r.t, os.WriteFile(r.file+".new", []byte(text), 0o600))
	awstest.Fatal(r.t, os.Rename(r.file+".new", r.file))
}

func (r *reloading) start(args ...string) {
	r.t.Helper()
	r.worker = exec.Command("wildix-worker", append([]string{r.command}, args...)...)
	r.worker.Env = append(os.Environ(), "WILDIX_QUEUE_URL="+r.queueURL, "WILDIX_SECRET="+firmSecret, "WILDIX_ADMIN_ADDR=",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	r.worker.Stderr = r.log
	awstest.Fatal(r.t, r.worker.Start())
	r.t.Cleanup(func() {
		if r.worker.ProcessState == nil {
			r.worker.Process.Kill()
			r.worker.Wait()
		}
		if r.t.Failed() {
			r.t.Log(r.log.String())
		}
	})
	r.log.await(r.t, r.started, "")
}

func (r *reloading) hangUp() {
	r.t.Helper()
	awstest.Fatal(r.t, r.worker.Process.Signal(syscall.SIGHUP))
}

// call sends the events of a call.
func (r *reloading) call() {
	call := r.pbx.NewCall()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = nil
	for !call.Ended {
		eventType, body := call.Next()
		body = bytes.Replace(body, []byte("{"), fmt.Appendf(nil, `{"n":%d,`, len(r.sentKeys)), 1) // makes each event unique
		m := outgoing.Sign(firmSecret, eventType, call.ID, body, "")
		e := events.Event{Raw: body, Signature: m.Signature}
		r.sentKeys = append(r.sentKeys, e.DeliveryKey())
		r.messages = append(r.messages, m)
	}
	r.send(r.messages)
}

func (r *reloading) send(messages []outgoing.Message) {
	if _, err := outgoing.Send(r.t.Context(), r.srv.Client(), r.queueURL, messages); err != nil {
		r.t.Error(err)
	}
}

// post sends one event to the webhook.
func (r *reloading) post(addr string) {
	r.t.Helper()
	cmd := exec.Command("wildix-worker", "send", "--webhook", "http://"+addr+"/webhook", "--type", events.CallEnd)
	cmd.Env = append(os.Environ(), "WILDIX_SECRET="+firmSecret)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Errorf("%v: %s", err, out)
	}
}

// stream sends calls until stop is called.
func (r *reloading) stream() (stop func()) {
	ended := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
				r.call()
			}
		}
	})
	return func() {
		close(ended)
		sending.Wait()
	}
}

func (r *reloading) sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sentKeys)
}

// keys returns the keys of the events from one number to another.
func (r *reloading) keys(from, to int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sentKeys[from:to]
}

// finish stops the worker once the queue is empty.
func (r *reloading) finish() {
	r.t.Helper()
	awaitTrue(r.t, "the queue to be empty", func() bool { return held(r.srv, "calls") == 0 })
	awstest.Fatal(r.t, r.worker.Process.Signal(syscall.SIGTERM))
	if err := r.worker.Wait(); err != nil {
		r.t.Errorf("the worker: %v", err)
	}
}

func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited two minutes for %s", what)
		}
	}
}

// logLines is the log of a worker.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits for a line with the message and the text.
func (l *logLines) await(t *testing.T, message, text string) {
	t.Helper()
	awaitTrue(t, fmt.Sprintf("the line %q with %q", message, text), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for line := range bytes.Lines(l.text.Bytes()) {
			var entry struct{ Message string }
			if json.Unmarshal(line, &entry) == nil && strings.Contains(entry.Message, message) && bytes.Contains(line, []byte(text)) {
				return true
			}
		}
		return false
	})
}

// A sink is an endpoint that keeps which events it has accepted.
type sink struct {
	t   *testing.T
	url string

	mu   sync.Mutex
	down bool
	keys map[string]int
}

func newSink(t *testing.T) *sink {
	s := &sink{t: t, keys: make(map[string]int)}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.keys[r.Header.Get("Idempotency-Key")]++
	w.WriteHeader(http.StatusNoContent)
}

func (s *sink) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *sink) had() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.keys)
}

func (s *sink) await(n int) {
	s.t.Helper()
	awaitTrue(s.t, fmt.Sprintf("%d events", n), func() bool { return len(s.had()) >= n })
}

func (s *sink) awaitAll(keys []string) {
	s.t.Helper()
	awaitTrue(s.t, fmt.Sprintf("these %d events", len(keys)), func() bool {
		had := s.had()
		for _, key := range keys {
			if had[key] == 0 {
				return false
			}
		}
		return true
	})
}

// wantOnce checks that a destination, which was at several endpoints, has each event once.
func wantOnce(t *testing.T, name string, keys []string, endpoints ...*sink) {
	t.Helper()
	total := make(map[string]int)
	for _, s := range endpoints {
		for key, n := range s.had() {
			total[key] += n
		}
	}
	lost, repeated := 0, 0
	for _, key := range keys {
		switch n := total[key]; {
		case n == 0:
			lost++
		case n > 1:
			repeated++
		}
	}
	if lost+repeated > 0 {
		t.Errorf("%s: %d of %d events lost, %d repeated", name, lost, len(keys), repeated)
	}
}
