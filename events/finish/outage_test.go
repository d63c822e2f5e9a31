package finish_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/events/route"
)

func TestDestinationsGetEventsWhileTheStateIsDown(t *testing.T) {
	for name, fail := range map[string]func(*memory){"down": (*memory).down, "hangs": (*memory).hang} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFirm(t)
				fail(f.state)
				begun := time.Now()
				all := f.deliverCalls(30)
				if len(f.archive.handled) != 60 || time.Since(begun) != 0 {
					t.Errorf("%d events passed on after %s", len(f.archive.handled), time.Since(begun))
				}
				time.Sleep(time.Hour)
				if s := f.handler.StateStats(); s.State != route.Down || s.Held+s.Running != 60 || s.Name != "state" {
					t.Errorf("%+v", s)
				}
				if f.handler.Blocked() {
					t.Error("blocked, though the archive takes events")
				}
				f.state.set(nil)
				time.Sleep(5*time.Second + 10*time.Second)
				synctest.Wait()
				for _, d := range all {
					if !d.done() || d.outcome != events.Handled {
						t.Fatalf("%+v", d)
					}
				}
				f.wantFinished(30)
				if len(f.archive.handled) != 60 {
					t.Errorf("%d events in the archive", len(f.archive.handled))
				}
			})
		})
	}
}

// deliverCalls delivers the start and the end of n calls. Only the start has the caller.
func (f *firm) deliverCalls(n int) (all []*delivered) {
	for i := range n {
		id := fmt.Sprint(i)
		all = append(all, f.deliver(event(id, events.CallStart, `{"caller":`+ada+`}`)), f.deliver(event(id, events.CallEnd, `{}`)))
	}
	return all
}

// wantFinished checks that n calls are finished, each with the caller.
func (f *firm) wantFinished(n int) {
	f.t.Helper()
	finished := f.finished.of(events.CallFinished)
	if len(finished) != n {
		f.t.Errorf("%d calls finished, want %d", len(finished), n)
	}
	for _, e := range finished {
		if e.Data.(*events.FinishedCall).Caller == nil {
			f.t.Errorf("call %s was not waited for", e.ID)
		}
	}
}

func TestStateThatGoesDownDuringTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		end := f.deliver(event("call-1", events.CallEnd, `{"caller":`+ada+`}`))
		f.state.down()
		time.Sleep(time.Hour)
		if end.done() {
			t.Fatalf("%+v", end)
		}
		f.state.set(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if finished := f.finished.of(events.CallFinished); !end.done() || end.outcome != events.Handled || len(finished) != 1 {
			t.Errorf("%+v, %d events", end, len(finished))
		}
	})
}

// A destination that is down holds only the part that it is for.
func TestEachPartWaitsForItself(t *testing.T) {
	down := func(context.Context, *events.Event) error { return errDown }
	for _, archiveIsDown := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFirm(t)
			broken, healthy := f.archive, f.finished
			if !archiveIsDown {
				broken, healthy = f.finished, f.archive
			}
			broken.set(down)
			end := f.deliver(event("call-1", events.CallEnd, `{}`))
			time.Sleep(time.Hour)
			if end.done() || len(healthy.handled) != 1 || healthy.tries != 1 {
				t.Errorf("%+v, %d events", end, len(healthy.handled))
			}
			broken.set(nil)
			time.Sleep(4 * time.Second)
			if !end.done() || end.outcome != events.Handled || len(broken.handled) != 1 || healthy.tries != 1 {
				t.Errorf("%+v, %d events", end, len(broken.handled))
			}
		})
	}
}

// A destination that takes a minute for call:end does not delay call:finished.
func TestSlowPartDoesNotDelayTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		f.archive.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil })
		end := f.deliver(event("call-1", events.CallEnd, `{}`))
		begun := time.Now()
		time.Sleep(2 * time.Minute)
		f.want("end", end, events.Handled, time.Minute)
		if at := f.finished.at; len(at) != 1 || at[0].Sub(begun) != 10*time.Second {
			t.Errorf("call:finished passed on %v", at)
		}
	})
}

// plain is a handler that has no destinations.
func plain(t *testing.T, state finish.State, next events.HandlerFunc) *finish.Handler {
	h, err := finish.New(finish.Config{Next: next, State: state})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFailures(t *testing.T) {
	refused := events.Permanent(errors.New("bad row"))
	for name, test := range map[string]struct {
		raw, finished error
		want          string
	}{
		"the event":       {errDown, nil, "connection refused"},
		"call:finished":   {nil, errDown, "call:finished: connection refused"},
		"both":            {errDown, errDown, "call:finished: connection refused\nconnection refused"},
		"one for good":    {refused, errDown, "call:finished: connection refused\npermanent: bad row"},
		"both for good":   {refused, refused, "call:finished: permanent: bad row\npermanent: bad row"},
		"finished for ..": {nil, refused, "call:finished: permanent: bad row"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFirm(t)
				h := plain(t, f.state, func(_ context.Context, e *events.Event) error {
					if e.Type == events.CallFinished {
						return test.finished
					}
					return test.raw
				})
				end := f.deliverTo(t.Context(), h, event("call-1", events.CallEnd, `{}`))
				time.Sleep(time.Minute)
				if !end.done() || end.outcome != events.Failed || end.err == nil || end.err.Error() != test.want || end.took != 10*time.Second {
					t.Errorf("%s, %v after %s", end.outcome, end.err, end.took)
				}
				if allRefused := test.raw != errDown && test.finished != errDown; events.IsPermanent(end.err) != allRefused {
					t.Errorf("permanent is %t", !allRefused)
				}
			})
		})
	}
}

// A part that has failed is tried again while the other is held.
func TestFailureIsTriedAgainWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		tries := 0
		h := plain(t, f.state, func(_ context.Context, e *events.Event) error {
			if e.Type == events.CallFinished {
				return nil
			}
			if tries++; tries < 2 {
				return errDown
			}
			return nil
		})
		end := f.deliverTo(t.Context(), h, event("call-1", events.CallEnd, `{}`))
		time.Sleep(time.Minute)
		f.want("end", end, events.Handled, 10*time.Second)
		if tries != 2 {
			t.Errorf("tried %d times", tries)
		}
	})
}

func TestPanicFailsTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		h := plain(t, f.state, func(_ context.Context, e *events.Event) error {
			if e.Type == events.CallFinished {
				return nil
			}
			panic("boom")
		})
		end := f.deliverTo(t.Context(), h, event("call-1", events.CallEnd, `{}`))
		time.Sleep(time.Minute)
		if !end.done() || end.outcome != events.Failed || end.err == nil {
			t.Errorf("%+v", end)
		}
	})
}

func TestStopEndsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		ctx, stop := context.WithCancel(t.Context())
		end := f.deliverTo(ctx, f.handler, event("call-1", events.CallEnd, `{}`))
		time.Sleep(time.Second)
		stop()
		if !end.done() || end.outcome != events.Failed {
			t.Errorf("%+v", end)
		}
		// The message is received again.
		again := f.deliverTo(t.Context(), f.worker(), event("call-1", events.CallCompleted, `{"caller":`+ada+`}`))
		f.want("another event", again, events.Handled, 0)
	})
}

func TestNothingStaysBehindAfterAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		down := func(context.Context, *events.Event) error { return errDown }
		f.archive.set(down)
		f.finished.set(down)
		ctx, stop := context.WithCancel(t.Context())
		for i := range 20 {
			f.deliverTo(ctx, f.handler, event(fmt.Sprint(i), events.CallEnd, `{}`))
		}
		time.Sleep(time.Hour)
		held := 0
		for _, s := range f.router.Stats() {
			held += s.Held
		}
		if held != 40 {
			t.Errorf("%d parts are held, want 40", held)
		}
		stop()
		synctest.Wait()
		for _, s := range f.router.Stats() {
			if s.Held != 0 || s.Running != 0 {
				t.Errorf("left %+v", s)
			}
		}
	})
}

func TestBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		only, err := route.New(route.Config{Destinations: []route.Destination{{Name: "finished", Handler: f.finished, On: []string{events.CallFinished}}}})
		if err != nil {
			t.Fatal(err)
		}
		h, err := finish.New(finish.Config{Next: only, State: f.state})
		if err != nil {
			t.Fatal(err)
		}
		if h.Concurrency() != 128 || h.Blocked() {
			t.Errorf("concurrency %d, blocked %t", h.Concurrency(), h.Blocked())
		}
		f.state.down()
		ctx, stop := context.WithCancel(t.Context())
		for i := range 20 {
			f.deliverTo(ctx, h, event(fmt.Sprint(i), events.CallStart, `{}`))
		}
		if time.Sleep(time.Minute); !h.Blocked() {
			t.Error("not blocked, though nothing can be done")
		}
		stop()
		synctest.Wait()
		if s := h.StateStats(); s.Held != 0 || s.Running != 0 {
			t.Errorf("left %+v", s)
		}
	})
}
