package demo

import (
	"testing"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestMessageIsLostUnlessBothDestinationsHaveIt(t *testing.T) {
	var log, crm deliveries
	l := newLedger()
	l.destinations = []*record{{deliveries: &log}, {deliveries: &crm}}
	l.send([]string{"1", "2", "3"})
	for _, id := range []string{"1", "2"} {
		l.observe(consumer.Result{MessageID: id, Outcome: events.Handled, ReceiveCount: 1})
		log.add(id)
	}
	crm.add("1")
	crm.add("1")
	l.dead = 1
	if l.lost() != 1 || crm.repeats != 1 {
		t.Errorf("lost %d, repeats %d; want 1 and 1", l.lost(), crm.repeats)
	}
	if crm.add("2"); l.lost() != 0 {
		t.Errorf("lost %d with all delivered", l.lost())
	}
}
