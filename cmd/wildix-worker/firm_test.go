package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/consumer/sqslocal"
)

// firmPage has the configuration file of the firm.
const firmPage = "../../docs/destinations.md"

// The firm of docs/destinations.md runs with the file of that page, as processes that are
// killed five times and stopped once, while one destination after another is down. Each
// destination must get each of its events, and none of another's.
//
// Without MOTO_ENDPOINT and STORE_POSTGRES_URL, there are no destinations at AWS, the
// database is SQLite, and the three destinations that get finished calls are down together,
// since each such call takes ten seconds.
func TestFirmGetsEveryEventThroughOutagesAndKills(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	f.start()
	f.turn(nil)
	f.turn([]string{"archive"}, whileDown)
	f.turn([]string{"script"}, stopped, whenBack)
	if f.aws == nil {
		f.turn([]string{"missed", "crm", "mail"}, inGrace, whileDown, whenBack)
	} else {
		f.turn([]string{"billing"})
		f.turn([]string{"phones"})
		f.turn([]string{"missed"}, inGrace)
		f.turn([]string{"crm"}, whileDown)
		f.turn([]string{"mail"})
		f.turn([]string{"bus"}, whenBack)
	}
	f.finish()
}

// A firm is the worker with its queue, its destinations, and what each of them should get.
type firm struct {
	t            *testing.T
	dir          string
	env          []string
	admin        string // address
	srv          *sqslocal.Server
	queueURL     string
	aws          *firmAWS // nil without moto
	destinations []*firmDestination
	calls        []*firmCall
	worker       *exec.Cmd
	kills        int
	life         atomic.Int64 // of the worker: how many it was killed before, from 0
}

// A firmDestination is where events arrive.
type firmDestination struct {
	name string
	// derived is whether it gets call:finished, whose key is the name of the call.
	derived  bool
	wants    func(c *firmCall, kind string) bool
	received func(t *testing.T) arrivals
	down, up func(t *testing.T)
	// settle waits until nothing that a killed worker has sent can arrive any more. It may
	// be nil.
	settle func(t *testing.T)
}

// arrivals are the lives of the worker in which each event arrived, by the event's key. They
// are nil where it is not known which worker sent an event, and then the count is that of
// the list.
type arrivals map[string][]string

func newFirm(t *testing.T) *firm {
	t.Helper()
	f := &firm{t: t, dir: t.TempDir(), srv: sqslocal.New(sqslocal.Options{})}
	awstest.Fatal(t, f.srv.Start(""))
	t.Cleanup(func() { f.srv.Close() })
	_, err := f.srv.CreateQueue("dead", nil)
	awstest.Fatal(t, err)
	f.queueURL, err = f.srv.CreateQueue("calls", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"10"}`,
	})
	awstest.Fatal(t, err)
	f.admin, err = freeAddr()
	awstest.Fatal(t, err)
	f.setenv("PATH", os.Getenv("PATH"), "HOME", f.dir, "STATE_DIRECTORY", filepath.Join(f.dir, "state"),
		"WILDIX_QUEUE_URL", f.queueURL, "WILDIX_SECRET", firmSecret, "WILDIX_ADMIN_ADDR", f.admin,
		"AWS_REGION", "us-east-1", "AWS_ACCESS_KEY_ID", "test", "AWS_SECRET_ACCESS_KEY", "test", "AWS_EC2_METADATA_DISABLED", "true")
	f.addSlack()
	f.addCRM()
	f.addArchive()
	f.addScript()
	f.addMail()
	f.addAWS()
	awstest.Fatal(t, os.WriteFile(filepath.Join(f.dir, "worker.yaml"), f.config(), 0o600))
	return f
}

func (f *firm) setenv(pairs ...string) {
	for pair := range slices.Chunk(pairs, 2) {
		f.env = append(f.env, pair[0]+"="+pair[1])
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// config returns the file of the page: its first block and, with AWS, the destinations of the
// second.
func (f *firm) config() []byte {
	page, err := os.ReadFile(firmPage)
	awstest.Fatal(f.t, err)
	blocks := yamlBlock.FindAllSubmatch(page, -1)
	if len(blocks) < 2 {
		f.t.Fatalf("%s has %d blocks of YAML, want the file and the destinations at AWS", firmPage, len(blocks))
	}
	text := blocks[0][1]
	if f.aws != nil {
		text = append(bytes.Clone(text), bytes.TrimPrefix(blocks[1][1], []byte("destinations:\n"))...)
	}
	return text
}

// start starts a worker. Its leases are short, so that the messages of a killed worker soon
// come back.
func (f *firm) start() {
	f.t.Helper()
	f.worker = exec.Command("wildix-worker", "run", "--config", filepath.Join(f.dir, "worker.yaml"), "--visibility-timeout", "2s")
	f.worker.Env, f.worker.Dir = f.env, f.dir
	log := &strings.Builder{}
	f.worker.Stderr = log
	awstest.Fatal(f.t, f.worker.Start())
	worker := f.worker
	f.t.Cleanup(func() {
		if worker.ProcessState == nil {
			worker.Process.Kill()
			worker.Wait()
		}
		if f.t.Failed() {
			f.t.Logf("the log of worker %d:\n%s", worker.Process.Pid, log)
		}
	})
}

// kill kills the worker and starts another.
func (f *firm) kill() {
	f.t.Helper()
	awstest.Fatal(f.t, f.worker.Process.Kill())
	f.worker.Wait()
	for _, d := range f.destinations {
		if d.settle != nil {
			d.settle(f.t)
		}
	}
	f.kills++
	f.life.Add(1)
	f.start()
}

// stop stops the worker, which must end without an error.
func (f *firm) stop() {
	f.t.Helper()
	awstest.Fatal(f.t, f.worker.Process.Signal(syscall.SIGTERM))
	if err := f.worker.Wait(); err != nil {
		f.t.Errorf("stopped: %v", err)
	}
}

// A killPoint is when the worker is killed during a turn.
type killPoint string

const (
	inGrace   killPoint = "in the grace of call:finished"
	whileDown killPoint = "while it holds events"
	whenBack  killPoint = "when the first is back"
	// stopped is no kill: the worker has time to return what it holds.
	stopped killPoint = "stopped while it holds events"
)

// turn takes destinations down and has calls made. Meanwhile all others must get what is
// theirs. Then the destinations come back one after another, and each must get its events
// while those that are not back have none.
func (f *firm) turn(down []string, kills ...killPoint) {
	f.t.Helper()
	var out, others []*firmDestination
	raw := true // only events of the PBX are awaited, not finished calls
	for _, d := range f.destinations {
		if slices.Contains(down, d.name) {
			d.down(f.t)
			out = append(out, d)
			raw = raw && !d.derived
		} else {
			others = append(others, d)
		}
	}
	begun := time.Now()
	wave := f.send()
	for _, d := range others {
		if !d.derived {
			f.await(d, wave)
			f.t.Logf("%v down: %s had its %d events after %v", down, d.name, len(d.expected(wave)), time.Since(begun).Round(time.Millisecond))
		}
	}
	f.killAt(inGrace, kills)
	for _, d := range others {
		if d.derived && !raw {
			f.await(d, wave)
			f.t.Logf("%v down: %s had its %d calls after %v", down, d.name, len(d.expected(wave)), time.Since(begun).Round(time.Millisecond))
		}
	}
	f.awaitHeld(out)
	f.killAt(whileDown, kills)
	f.awaitHeld(out) // by the new worker, which has started without them
	if slices.Contains(kills, stopped) {
		f.stop()
		f.life.Add(1)
		f.start()
		f.awaitHeld(out)
	}
	for i, d := range out {
		for _, still := range out[i:] {
			if missing, all := still.missing(f.t, wave), still.expected(wave); len(missing) < len(all) {
				f.t.Errorf("%s has got %d of %d events while it was down", still.name, len(all)-len(missing), len(all))
			}
		}
		back := time.Now()
		d.up(f.t)
		if i == 0 {
			f.killAt(whenBack, kills)
		}
		f.await(d, wave)
		f.t.Logf("%s is back: it had its %d events after %v", d.name, len(d.expected(wave)), time.Since(back).Round(time.Millisecond))
	}
}

// awaitHeld waits until the worker holds all events that some destinations have not got.
func (f *firm) awaitHeld(out []*firmDestination) {
	f.t.Helper()
	for _, d := range out {
		missing := len(d.missing(f.t, f.calls))
		f.eventually(fmt.Sprintf("%d events are held for %s", missing, d.name), func() bool { return f.held(d.name) >= missing })
	}
}

func (f *firm) killAt(now killPoint, kills []killPoint) {
	f.t.Helper()
	if slices.Contains(kills, now) {
		f.t.Logf("kill %d, %s", f.kills+1, now)
		f.kill()
	}
}

// send sends the events of new calls.
func (f *firm) send() (wave []*firmCall) {
	f.t.Helper()
	wave = newFirmCalls(f.t, len(f.calls))
	f.calls = append(f.calls, wave...)
	var messages []outgoing.Message
	for _, c := range wave {
		for i := range c.events {
			messages = append(messages, c.events[i].message())
		}
	}
	_, err := outgoing.Send(f.t.Context(), f.srv.Client(), f.queueURL, messages)
	awstest.Fatal(f.t, err)
	return wave
}

// await waits until a destination has its events of some calls.
func (f *firm) await(d *firmDestination, of []*firmCall) {
	f.t.Helper()
	f.eventually(d.name+" has its events", func() bool { return len(d.missing(f.t, of)) == 0 })
}

func (f *firm) eventually(condition string, done func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("not within a minute: %s", condition)
		}
	}
}

// expected returns the keys of the events of some calls that the destination should get.
func (d *firmDestination) expected(of []*firmCall) (keys []string) {
	for _, c := range of {
		if d.derived && d.wants(c, "") {
			keys = append(keys, c.name)
		}
		for i := range c.events {
			if !d.derived && d.wants(c, c.events[i].kind) {
				keys = append(keys, c.events[i].key())
			}
		}
	}
	return keys
}

// missing returns those that it has not got.
func (d *firmDestination) missing(t *testing.T, of []*firmCall) (keys []string) {
	t.Helper()
	received := d.received(t)
	return slices.DeleteFunc(d.expected(of), func(key string) bool { return len(received[key]) > 0 })
}

// finish waits until the queue is empty, stops the worker, and checks what has arrived.
func (f *firm) finish() {
	t := f.t
	t.Helper()
	for _, d := range f.destinations {
		f.await(d, f.calls)
	}
	f.eventually("the queue is empty", func() bool { return held(f.srv, "calls") == 0 })
	f.stop()
	if n := held(f.srv, "dead"); n > 0 {
		t.Errorf("the dead-letter queue has %d messages", n)
	}
	if f.kills != 5 {
		t.Errorf("%d kills", f.kills)
	}
	for _, d := range f.destinations {
		d.check(t, f.calls)
	}
}

// check checks that each expected event and no other has arrived. An event may arrive again
// from another worker, after a kill, and not from the same.
func (d *firmDestination) check(t *testing.T, all []*firmCall) {
	t.Helper()
	if missing := d.missing(t, all); len(missing) > 0 {
		t.Errorf("%s lacks %d events, such as %s", d.name, len(missing), missing[0])
	}
	expected, received := d.expected(all), d.received(t)
	repeats := 0
	for key, lives := range received {
		if !slices.Contains(expected, key) {
			t.Errorf("%s has got %q, which is not for it", d.name, key)
		}
		repeats += len(lives) - 1
		slices.Sort(lives)
		lives = slices.DeleteFunc(lives, func(life string) bool { return life == unknownLife })
		if len(slices.Compact(slices.Clone(lives))) < len(lives) {
			t.Errorf("%s has got %q twice from one worker: %v", d.name, key, lives)
		}
	}
	t.Logf("%-8s %3d events of %d, and %d repeats", d.name, len(received), len(expected), repeats)
}

// unknownLife stands for a worker that is not known.
const unknownLife = ""

func (f *firm) thisLife() string { return fmt.Sprint(f.life.Load()) }

var gauge = `(?m)^wildix_destination_(?:held_events|running)\{destination="%s"\} (\d+)$`

// held returns how many events the worker holds for a destination, or is trying to pass to it.
func (f *firm) held(name string) (n int) {
	f.t.Helper()
	text := firmGet(f.t, "http://"+f.admin+"/metrics")
	for _, found := range regexp.MustCompile(fmt.Sprintf(gauge, name)).FindAllStringSubmatch(text, -1) {
		var value int
		fmt.Sscan(found[1], &value)
		n += value
	}
	return n
}
