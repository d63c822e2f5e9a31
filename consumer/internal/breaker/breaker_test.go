package breaker

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const tryLimit = 30 * time.Second

func within(t *testing.T, test func(t *testing.T, b *Breaker, logs *observer.ObservedLogs)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		test(t, New(zap.New(core), tryLimit), logs)
	})
}

// record records the evidence of messages that are not the probe.
func (b *Breaker) record(prefix string, messages int, e Evidence) {
	for i := range messages {
		b.Record(fmt.Sprint(prefix, i), Probe{}, e)
	}
}

// probe waits for the next probe.
func (b *Breaker) probe(t *testing.T) Probe {
	t.Helper()
	b.Await(t.Context())
	p := b.Nominate()
	if p == (Probe{}) || !b.Admits(p) {
		t.Fatal("no probe is due after Await")
	}
	return p
}

func TestBreakerOpensWhenMostMessagesFail(t *testing.T) {
	for name, test := range map[string]struct {
		failures, successes int
		open                bool
	}{
		"too few":   {4, 0, false},
		"enough":    {5, 0, true},
		"half":      {20, 20, false},
		"over half": {21, 20, true},
		"full":      {26, 100, true}, // the window holds 50 messages
	} {
		within(t, func(t *testing.T, b *Breaker, logs *observer.ObservedLogs) {
			b.record("good", test.successes, Success)
			b.record("bad", test.failures, Failure)
			if b.Open() != test.open || b.Admits(Probe{}) == test.open {
				t.Errorf("%s: open is %t, want %t", name, b.Open(), test.open)
			}
			if n := logs.Len(); (n == 1) != test.open {
				t.Errorf("%s: %d lines are logged", name, n)
			}
		})
	}
}

func TestOnlyTheLatestCallAboutAMessageCounts(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		for range 100 {
			b.Record("poison", Probe{}, Failure)
		}
		if b.Open() {
			t.Error("one message that always fails opens the breaker")
		}
	})
}

func TestOldCallsDoNotCount(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		b.record("old", 4, Failure)
		time.Sleep(windowTime + 1)
		b.record("new", 4, Failure)
		if b.Open() {
			t.Error("failures of long ago open the breaker")
		}
	})
}

func TestCallsThatShowNothingDoNotCount(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		b.record("a", 100, None)
		b.record("b", 4, Failure)
		if b.Open() {
			t.Error("the breaker is open after four failures")
		}
	})
}

func TestOneProbeAtATime(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		if p := b.Nominate(); p != (Probe{}) {
			t.Error("a probe, though the breaker is closed")
		}
		b.record("a", 5, Failure)
		if p := b.Nominate(); p != (Probe{}) {
			t.Error("a probe without a pause")
		}
		first, opened := b.probe(t), time.Now()
		if p := b.Nominate(); p != (Probe{}) || b.Admits(p) {
			t.Error("a second probe while the first is tried")
		}
		b.probe(t) // the first hangs
		if waited := time.Since(opened); waited != tryLimit {
			t.Errorf("a try that hangs was waited for %s, want %s", waited, tryLimit)
		}
		b.Record("a0", first, Success)
		if b.Open() {
			t.Error("the late success of the first probe does not close the breaker")
		}
	})
}

func TestProbeIsTriedAgainUntilItSucceeds(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, logs *observer.ObservedLogs) {
		b.record("a", 5, Failure)
		p := b.probe(t)
		for try := range 20 {
			pause, again := b.Record("probe", p, Failure)
			if !again || pause < minPause || pause > maxPause {
				t.Fatalf("after try %d: pause %s, again %t", try, pause, again)
			}
			time.Sleep(pause)
		}
		if _, again := b.Record("probe", p, Success); again || b.Open() || !b.Admits(Probe{}) {
			t.Error("a success does not close the breaker")
		}
		if logs.FilterMessage("messages no longer fail, receiving as before").Len() != 1 {
			t.Error("the end of the outage is not logged")
		}
		b.record("b", 4, Failure)
		if b.Open() {
			t.Error("failures of before the outage still count")
		}
	})
}

func TestProbeIsReplacedAfterFiveMinutes(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		b.record("a", 5, Failure)
		p, started := b.probe(t), time.Now()
		for again := true; again; {
			var pause time.Duration
			if pause, again = b.Record("poison", p, Failure); again {
				time.Sleep(pause)
			}
		}
		if took := time.Since(started); took < probeTime-maxPause || took > probeTime {
			t.Errorf("the same probe for %s", took)
		}
		before := time.Now()
		b.probe(t)
		if waited := time.Since(before); waited > maxPause {
			t.Errorf("the next probe comes after %s", waited)
		}
	})
}

func TestProbeThatShowsNothingIsReplacedAtOnce(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		b.record("a", 5, Failure)
		p := b.probe(t)
		waited := make(chan time.Duration)
		go func() {
			before := time.Now()
			b.Await(t.Context())
			waited <- time.Since(before)
		}()
		synctest.Wait()
		if _, again := b.Record("probe", p, None); again {
			t.Error("a message that shows nothing stays the probe")
		}
		if w := <-waited; w != 0 {
			t.Errorf("the next probe comes after %s", w)
		}
	})
}

func TestProbeOfAnEarlierOutageDoesNotCount(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		b.record("a", 5, Failure)
		old := b.probe(t)
		b.Record("probe", old, Success)
		b.record("b", 5, Failure)
		if b.Admits(old) {
			t.Error("the probe of the first outage is tried in the second")
		}
		b.Record("probe", old, Success)
		if !b.Open() {
			t.Error("the probe of the first outage ends the second")
		}
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	within(t, func(t *testing.T, b *Breaker, _ *observer.ObservedLogs) {
		b.record("a", 5, Failure)
		b.probe(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before := time.Now()
		b.Await(ctx)
		if waited := time.Since(before); waited != time.Second {
			t.Errorf("waited %s after the context had ended", waited-time.Second)
		}
	})
}
