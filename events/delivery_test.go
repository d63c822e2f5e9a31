package events_test

import (
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
)

// waiting is a state that knows what its event waits for. It counts how often it is told of the
// end.
type waiting struct {
	owner   string
	ends    int
	resumer events.Resumer
}

func (w *waiting) Owner() any                    { return w.owner }
func (w *waiting) Reason() error                 { return errDown }
func (w *waiting) DeliveryEnded()                { w.ends++ }
func (w *waiting) NotifyResume(r events.Resumer) { w.resumer = r }

func TestDeliveryTellsItsStatesOfTheEndOnce(t *testing.T) {
	var d events.Delivery
	var states [3]waiting
	for i := range states {
		d.State(i, func() any { return &states[i] })
	}
	functions := 0
	d.OnEnd(func() { functions++ })
	d.OnEnd(func() { functions++ })
	if states != [3]waiting{} {
		t.Fatalf("told before the end: %v", states)
	}
	d.End()
	d.End()
	if states != [3]waiting{{ends: 1}, {ends: 1}, {ends: 1}} || functions != 2 {
		t.Errorf("states were told %v times, %d functions were called", states, functions)
	}
}

func TestDeliveryTellsALateStateOfTheEndAtOnce(t *testing.T) {
	for name, before := range map[string]func(d *events.Delivery){
		"nothing kept":       func(*events.Delivery) {},
		"a state and an end": func(d *events.Delivery) { d.State("a", func() any { return 0 }); d.OnEnd(func() {}) },
	} {
		var d, other events.Delivery
		before(&d)
		d.End()
		other.End()
		var late waiting
		for range 2 {
			d.State("late", func() any { return &late })
			d.State("later", func() any { return 0 })
		}
		if late.ends != 1 {
			t.Errorf("%s: told %d times", name, late.ends)
		}
		other.State("first", func() any { return 0 })
		var kept waiting
		if other.State("later", func() any { return &kept }) != &kept {
			t.Errorf("%s: a delivery has the state of another one", name)
		}
	}
}

// resumable is a message of a transport.
type resumable struct{ resumed chan struct{} }

func (r resumable) Resume() { close(r.resumed) }

func TestHoldUntil(t *testing.T) {
	var kept waiting
	err := events.HoldUntil(&kept, errDown)
	message := resumable{make(chan struct{})}
	if !events.IsHold(err) || !events.ResumeOn(err, message) || kept.resumer != message {
		t.Fatalf("got %v and %v", err, kept)
	}
	if events.ResumeOn(errDown, message) {
		t.Error("not a hold")
	}
}

func TestHoldUntilNobodyEndsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		message, begun := resumable{make(chan struct{})}, time.Now()
		if !events.ResumeOn(events.HoldUntil(nil, errDown), message) {
			t.Fatal("no hold")
		}
		<-message.resumed
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("resumed after %v", took)
		}
	})
}

func TestDeliveryGoesOnWithAHeldState(t *testing.T) {
	var before, after events.Delivery
	state := &waiting{owner: "router"}
	before.State("router", func() any { return state })
	kept := before.Held(events.HoldUntil(state, errDown))
	if kept != events.HeldState(state) {
		t.Fatalf("got %v", kept)
	}
	after.GoOn(kept)
	if got := after.State("router", func() any { return nil }); got != any(state) {
		t.Errorf("the state is %v", got)
	}
	if after.End(); state.ends != 1 {
		t.Errorf("the state was told of the end %d times", state.ends)
	}
}

func TestDeliveryThatKeepsMoreThanAHeldState(t *testing.T) {
	state := &waiting{owner: "router"}
	create := func() any { return state }
	hold := events.HoldUntil(state, errDown)
	for name, test := range map[string]struct {
		err  error
		fill func(d *events.Delivery)
	}{
		"nothing":          {hold, func(*events.Delivery) {}},
		"another state":    {hold, func(d *events.Delivery) { d.State("router", create); d.State("other", create) }},
		"of another owner": {hold, func(d *events.Delivery) { d.State("other", create) }},
		"no held state":    {hold, func(d *events.Delivery) { d.State("router", func() any { return 0 }) }},
		"a function":       {hold, func(d *events.Delivery) { d.State("router", create); d.OnEnd(func() {}) }},
		"an end":           {hold, func(d *events.Delivery) { d.State("router", create); d.End() }},
		"another hold":     {events.Hold(func(func()) {}, errDown), func(d *events.Delivery) { d.State("router", create) }},
		"a broken hold":    {events.HoldUntil(nil, errDown), func(d *events.Delivery) { d.State("router", create) }},
		"a failure":        {errDown, func(d *events.Delivery) { d.State("router", create) }},
		"no error":         {nil, func(d *events.Delivery) { d.State("router", create) }},
	} {
		var d events.Delivery
		test.fill(&d)
		if kept := d.Held(test.err); kept != nil {
			t.Errorf("%s: got %v", name, kept)
		}
	}
}
