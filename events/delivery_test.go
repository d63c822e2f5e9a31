package events_test

import (
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
)

// counter is a state that counts how often it is told of an end.
type counter struct{ ends int }

func (c *counter) DeliveryEnded() { c.ends++ }

func TestDeliveryTellsItsStatesOfTheEndOnce(t *testing.T) {
	var d events.Delivery
	var counters [3]counter
	for i := range counters {
		d.State(i, func() any { return &counters[i] })
	}
	functions := 0
	d.OnEnd(func() { functions++ })
	d.OnEnd(func() { functions++ })
	if counters != [3]counter{} {
		t.Fatalf("told before the end: %v", counters)
	}
	d.End()
	d.End()
	if counters != [3]counter{{1}, {1}, {1}} || functions != 2 {
		t.Errorf("states were told %v times, %d functions were called", counters, functions)
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
		var late counter
		for range 2 {
			d.State("late", func() any { return &late })
			d.State("later", func() any { return 0 })
		}
		if late.ends != 1 {
			t.Errorf("%s: told %d times", name, late.ends)
		}
		other.State("first", func() any { return 0 })
		var kept counter
		if other.State("later", func() any { return &kept }) != &kept {
			t.Errorf("%s: a delivery has the state of another one", name)
		}
	}
}

// until is what a handler keeps of an event.
type until struct{ resumer events.Resumer }

func (u *until) NotifyResume(r events.Resumer) { u.resumer = r }

// resumable is a message of a transport.
type resumable struct{ resumed chan struct{} }

func (r resumable) Resume() { close(r.resumed) }

func TestHoldUntil(t *testing.T) {
	var kept until
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
