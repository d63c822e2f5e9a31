package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/events/handlers/store"
)

// A receiver records what it was sent.
type receiver struct {
	got  []*events.Event
	fail func(*events.Event) error // nil succeeds
}

func (r *receiver) HandleEvent(_ context.Context, e *events.Event) error {
	if r.fail != nil {
		if err := r.fail(e); err != nil {
			return err
		}
	}
	r.got = append(r.got, e)
	return nil
}

func (r *receiver) list() string {
	var all []string
	for _, e := range r.got {
		all = append(all, e.ID+"/"+strings.TrimPrefix(e.Type, "call:"))
	}
	return strings.Join(all, " ")
}

// A firm has a database with events, in a folder of its own.
type firm struct {
	database string
	begin    time.Time
}

// newFirm returns a firm whose state folder is empty.
func newFirm(t *testing.T) *firm {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("STATE_DIRECTORY", filepath.Join(dir, "state"))
	return &firm{"sqlite:" + filepath.Join(dir, "events.db"), time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
}

// event returns an event, some seconds after the firm's begin.
func (f *firm) event(t *testing.T, second float64, id, eventType, data string) *events.Event {
	t.Helper()
	at := f.begin.UnixMilli() + int64(second*1000)
	e, err := events.Decode(fmt.Appendf(nil, `{"id":%q,"company":"example","type":"call:%s","time":%d,"integrationId":"8qkmnq","data":%s}`, id, eventType, at, data))
	awstest.Fatal(t, err)
	return e
}

func (f *firm) store(t *testing.T, list ...*events.Event) {
	t.Helper()
	s, err := store.New(store.Config{URL: f.database})
	awstest.Fatal(t, err)
	awstest.Fatal(t, s.Connect(t.Context()))
	defer s.Close()
	for _, e := range list {
		awstest.Fatal(t, s.HandleEvent(t.Context(), e))
	}
}

// replay runs the command with a destination and returns its output.
func (f *firm) replay(ctx context.Context, t *testing.T, to destination.Destination, change ...func(*Command)) (string, error) {
	t.Helper()
	cmd := &Command{Since: "2026-01-01", To: to.Name}
	for _, c := range change {
		c(cmd)
	}
	c := checkpoint{Begin: f.begin, End: f.begin.Add(time.Hour), Started: f.begin}
	file, err := cmd.openCheckpoint(f.database, &c)
	if err != nil {
		return "", err
	}
	defer file.close()
	var out bytes.Buffer
	r := &replay{cmd: cmd, to: to, from: source{"the database", f.database, true}, zone: time.UTC, file: file, checkpoint: c, out: &term.Printer{Out: &out}}
	err = r.run(ctx)
	return out.String(), err
}

func resume(c *Command) { c.Resume = true }

// Two calls that overlap: call-1 is answered, and call-2 is not.
func (f *firm) storeCalls(t *testing.T) {
	t.Helper()
	f.store(t,
		f.event(t, 9, "call-1", "completed", `{"flows":[]}`), f.event(t, 8, "call-1", "end", `{}`), f.event(t, 1, "call-1", "start", `{}`),
		f.event(t, 2, "call-1", "update", `{"status":"TALKING"}`), f.event(t, 3, "call-2", "start", `{}`), f.event(t, 7.5, "call-2", "end", `{"endCause":"16"}`),
	)
}

func TestEventsAreSentInOrderOfTheirTime(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	out, err := f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "all", Kind: "http"})
	awstest.Fatal(t, err)
	if want := "call-1/start call-1/update call-2/start call-2/end call-1/end call-1/completed"; to.list() != want {
		t.Errorf("sent %s, want %s", to.list(), want)
	}
	for _, e := range to.got {
		if !e.Replay || e.Signature != "" {
			t.Errorf("%s is marked %t, with signature %q", e.Type, e.Replay, e.Signature)
		}
	}
	if !strings.Contains(out, "sent 6 events\n") {
		t.Errorf("printed %s", out)
	}
	// The replay is done, and leaves nothing to go on with.
	if _, err := f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "all"}, resume); err == nil {
		t.Error("goes on after its end")
	}
}

// What the database does not have is signed with the secret.
func TestEventsAreSignedAgain(t *testing.T) {
	t.Setenv("WILDIX_SECRET", "s3cret")
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	_, err := f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "all", On: []string{"call:end", "call:finished"}})
	awstest.Fatal(t, err)
	for _, e := range to.got {
		if (e.Signature != "") != (e.Type != events.CallFinished) {
			t.Errorf("%s has the signature %q", e.Type, e.Signature)
		}
	}
}

func TestSelectionsOfDestinationAndCommandApply(t *testing.T) {
	missed := func(e *events.Event) (bool, error) {
		call, ok := e.Data.(*events.FinishedCall)
		return !ok || call.Missed, nil
	}
	for name, c := range map[string]struct {
		to       destination.Destination
		on       []string
		sent, in string
	}{
		"finished calls follow the event that ended them": {destination.Destination{On: []string{"call:finished", "call:end"}}, nil, "call-2/end call-2/finished call-1/end call-1/finished", "not     2 call:start, 1 call:update: not in its on"},
		"when":                           {destination.Destination{On: []string{"call:finished"}, When: missed}, nil, "call-2/finished", "left out 1: its when is false"},
		"a pattern has no whole calls":   {destination.Destination{On: []string{"call:*"}}, []string{"call:end", "call:finished"}, "call-2/end call-1/end", "sent 2 events"},
		"on of the command":              {destination.Destination{On: []string{"call:finished", "call:*"}}, []string{"call:u*"}, "call-1/update", "sent 1 event\n"},
		"without a common type":          {destination.Destination{On: []string{"call:finished"}}, []string{"call:start"}, "", "2 call:start: not in its on\nnothing to send"},
		"a template that reads the call": {destination.Destination{ReadsCall: true}, []string{"call:finished"}, "call-2/finished call-1/finished", "sent 2 events"},
	} {
		t.Run(name, func(t *testing.T) {
			f, to := newFirm(t), &receiver{}
			f.storeCalls(t)
			c.to.Handler, c.to.Name = to, "chat"
			out, err := f.replay(t.Context(), t, c.to, func(cmd *Command) { cmd.On = c.on })
			if err != nil || to.list() != c.sent || !strings.Contains(out, c.in) {
				t.Errorf("%v: sent %s, want %s\n%s", err, to.list(), c.sent, out)
			}
		})
	}
}

// A worker delivers call:finished. A replay from the state, and one from the events alone, has
// the same key.
func TestWholeCallHasTheKeyOfItsDelivery(t *testing.T) {
	f, first := newFirm(t), &receiver{}
	stateURL := "sqlite:" + filepath.Join(os.Getenv("STATE_DIRECTORY"), "state.db")
	awstest.Fatal(t, os.MkdirAll(os.Getenv("STATE_DIRECTORY"), 0o700))
	state, err := store.NewState(store.StateConfig{URL: stateURL})
	awstest.Fatal(t, err)
	h, err := finish.New(finish.Config{Next: first, State: state, Grace: time.Millisecond})
	awstest.Fatal(t, err)
	list := []*events.Event{
		f.event(t, 1, "call-1", "start", `{"caller":{"type":"REMOTE","phone":"+12025550100"}}`), f.event(t, 8, "call-1", "end", `{}`),
		// Later than any grace, so that it is not in the first delivery.
		f.event(t, 60, "call-1", "completed", `{"flows":[{"talkTime":3}]}`),
	}
	for _, e := range list {
		if outcome, err := events.DispatchHeld(t.Context(), h, e); err != nil {
			t.Fatal(outcome, err)
		}
	}
	awstest.Fatal(t, state.Close())
	f.store(t, list...)
	wanted := slices.DeleteFunc(slices.Clone(first.got), func(e *events.Event) bool { return e.Type != events.CallFinished })
	if len(wanted) != 1 {
		t.Fatalf("%d calls", len(wanted))
	}
	for _, from := range []string{"the state", "the events", "the database"} {
		switch from {
		case "the events":
			awstest.Fatal(t, os.RemoveAll(os.Getenv("STATE_DIRECTORY")))
		case "the database":
			f.store(t, wanted...)
		}
		to := &receiver{}
		_, err := f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "chat", On: []string{"call:finished"}})
		awstest.Fatal(t, err)
		if len(to.got) != 1 || to.got[0].DeliveryKey() != wanted[0].DeliveryKey() || !to.got[0].Replay {
			t.Errorf("from %s: %s, want %s", from, to.list(), wanted[0].Raw)
		}
	}
}

// The state of the worker is what was sent, whatever the events say.
func TestWholeCallIsThatOfTheState(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	awstest.Fatal(t, os.MkdirAll(os.Getenv("STATE_DIRECTORY"), 0o700))
	state, err := store.NewState(store.StateConfig{URL: "sqlite:" + filepath.Join(os.Getenv("STATE_DIRECTORY"), "state.db")})
	awstest.Fatal(t, err)
	sent := f.event(t, 5, "call-2", "finished", `{"queue":"Support"}`)
	c := finish.Call{End: "key", Finished: sent.Raw}
	c.Facts.ID, c.Facts.Company = "call-2", "example"
	_, err = state.Merge(t.Context(), c)
	awstest.Fatal(t, errors.Join(err, state.Close()))
	_, err = f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "chat", On: []string{"call:finished"}})
	awstest.Fatal(t, err)
	if len(to.got) != 2 || to.got[0].DeliveryKey() != sent.DeliveryKey() {
		t.Errorf("sent %s: %s", to.list(), to.got[0].Raw)
	}
}

func TestReplayGoesOnWhereItWasInterrupted(t *testing.T) {
	f := newFirm(t)
	f.storeCalls(t)
	want := "call-2/end call-2/finished call-1/end call-1/finished call-1/completed"
	for interrupted := range 5 {
		ctx, interrupt := context.WithCancel(t.Context())
		to := &receiver{}
		to.fail = func(*events.Event) error {
			if len(to.got) == interrupted {
				interrupt() // while this one is sent, which then succeeds
			}
			return nil
		}
		d := destination.Destination{Handler: to, Name: "chat", On: []string{"call:finished", "call:end", "call:completed"}}
		out, err := f.replay(ctx, t, d)
		if interrupted < 4 {
			if !errors.Is(err, errInterrupted) || len(to.got) != interrupted+1 || !strings.Contains(err.Error(), "--resume") {
				t.Fatalf("%d: %v, sent %s\n%s", interrupted, err, to.list(), out)
			}
		}
		to.fail = nil
		if _, err := f.replay(t.Context(), t, d); err == nil || !strings.Contains(err.Error(), "is not finished") {
			t.Fatalf("begins again without being asked: %v", err)
		}
		out, err = f.replay(t.Context(), t, d, resume)
		if err != nil || to.list() != want || !strings.Contains(out, "sent 5 events\n") {
			t.Errorf("%d: %v, sent %s\n%s", interrupted, err, to.list(), out)
		}
	}
}

// Two replays of the same arguments would send each event twice, and write one file.
func TestReplayRunsOnce(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	d := destination.Destination{Handler: to, Name: "all"}
	restart := func(cmd *Command) { cmd.Restart = true }
	to.fail = func(*events.Event) error {
		for _, change := range []func(*Command){func(*Command) {}, resume, restart} {
			second := &receiver{}
			_, err := f.replay(t.Context(), t, destination.Destination{Handler: second, Name: "all"}, change)
			if err == nil || !strings.Contains(err.Error(), "a replay with these arguments is running") || len(second.got) > 0 {
				t.Errorf("%v, sent %s", err, second.list())
			}
		}
		other := &receiver{} // may run
		if _, err := f.replay(t.Context(), t, destination.Destination{Handler: other, Name: "other"}); err != nil || len(other.got) != 6 {
			t.Errorf("%v, sent %s", err, other.list())
		}
		return nil
	}
	if _, err := f.replay(t.Context(), t, d); err != nil || len(to.got) != 6 {
		t.Errorf("%v, sent %s", err, to.list())
	}
}

func TestRestartBeginsAgain(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	ctx, interrupt := context.WithCancel(t.Context())
	to.fail = func(*events.Event) error { interrupt(); return nil }
	d := destination.Destination{Handler: to, Name: "all"}
	if _, err := f.replay(ctx, t, d); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	to.got = nil
	if _, err := f.replay(t.Context(), t, d, func(cmd *Command) { cmd.Restart = true }); err != nil || len(to.got) != 6 {
		t.Errorf("%v, sent %s", err, to.list())
	}
}

func TestPermanentFailuresAreListedAndLeftOut(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	to.fail = func(e *events.Event) error {
		if e.Type == events.CallEnd {
			return events.Permanent(errors.New("status 400"))
		}
		return nil
	}
	out, err := f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "all"})
	if err == nil || err.Error() != "2 events failed for good, see above" || len(to.got) != 4 {
		t.Errorf("%v, sent %s", err, to.list())
	}
	for _, want := range []string{"failed call:end of call-2 at 2026-11-24 09:00:07: permanent: status 400\n", "failed call:end of call-1 at 2026-11-24 09:00:08: permanent: status 400\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// An event that fails ten times ends the replay. It is tried again, or left out.
func TestReplayEndsAtAnEventThatFails(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	to.fail = func(e *events.Event) error {
		if e.Type == events.CallUpdate {
			return events.RetryAfter(0, errors.New("status 500"))
		}
		return nil
	}
	d := destination.Destination{Handler: to, Name: "all"}
	for _, again := range []func(*Command){func(*Command) {}, resume} {
		_, err := f.replay(t.Context(), t, d, again)
		want := "call:update of call-1 at 2026-11-24 09:00:02 failed 10 times, the last time: retry after 0s: status 500; " +
			"to go on, run it again with --resume; to leave this event out, with --resume --skip"
		if err == nil || err.Error() != want || to.list() != "call-1/start" {
			t.Errorf("%v, sent %s", err, to.list())
		}
	}
	out, err := f.replay(t.Context(), t, d, resume, func(cmd *Command) { cmd.Skip = true })
	if err != nil || to.list() != "call-1/start call-2/start call-2/end call-1/end call-1/completed" || !strings.Contains(out, "left out 1: --skip\n") {
		t.Errorf("%v, sent %s\n%s", err, to.list(), out)
	}
}

func TestCheckpointHoldsNoCallAndIsPrivate(t *testing.T) {
	f, to := newFirm(t), &receiver{}
	f.storeCalls(t)
	to.fail = func(e *events.Event) error {
		found, err := filepath.Glob(filepath.Join(os.Getenv("STATE_DIRECTORY"), "replay-all-*.json"))
		if err != nil || len(found) != 1 {
			t.Fatalf("found %v, %v", found, err)
		}
		text, err := os.ReadFile(found[0])
		awstest.Fatal(t, err)
		info, err := os.Stat(found[0])
		awstest.Fatal(t, err)
		if info.Mode().Perm() != 0o600 || strings.Contains(string(text), "call-1") || strings.Contains(string(text), f.database) {
			t.Errorf("%s has %s", info.Mode(), text)
		}
		return nil
	}
	_, err := f.replay(t.Context(), t, destination.Destination{Handler: to, Name: "all"})
	awstest.Fatal(t, err)
	// Other arguments are another replay.
	names := make(map[string]bool)
	for _, change := range []func(*Command){func(*Command) {}, func(c *Command) { c.Since = "3d" }, func(c *Command) { c.On = []string{"call:end"} }, func(c *Command) { c.Until = "2026-12-01" }} {
		cmd := &Command{To: "all"}
		change(cmd)
		file, err := cmd.openCheckpoint(f.database, &checkpoint{})
		awstest.Fatal(t, err)
		awstest.Fatal(t, file.close())
		names[file.path] = true
	}
	if len(names) != 4 {
		t.Errorf("files %v", slices.Sorted(maps.Keys(names)))
	}
}
