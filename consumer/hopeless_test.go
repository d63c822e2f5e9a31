package consumer_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

// hopeless are the outcomes of messages that no other try can handle.
var hopeless = []events.Outcome{events.Failed, events.Rejected, events.Malformed}

func TestFIFOGroupGoesOnAtOnceBehindAHopelessMessage(t *testing.T) {
	for _, outcome := range hopeless {
		for _, receives := range []int{3, 10, 0} {
			t.Run(fmt.Sprint(outcome, " ", receives), func(t *testing.T) {
				within(t, fifoName, func(s *site) {
					s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Delay: roundTrip})
					s.redriveAfter(receives)
					s.sendHopeless(outcome)
					followers := prefixed("a", 300)
					s.send(followers...)
					s.start(failHopeless)
					time.Sleep(10 * time.Second)
					begun := s.begun()
					if outcome == events.Failed && begun[0] == "hopeless" {
						begun = begun[1:] // the only call of its handler
					}
					if !slices.Equal(begun, followers) {
						t.Errorf("%d of %d are handled, or not in order: %v", len(begun), len(followers), begun)
					}
					s.wantFollowersReceivedOnce()
					if receives > 0 {
						s.wantDeadLetter(outcome, receives)
					}
				})
			})
		}
	}
}

// wantFollowersReceivedOnce checks that no receive was spent on the other messages.
func (s *site) wantFollowersReceivedOnce() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.results {
		if r.Outcome == events.Handled && r.ReceiveCount != 1 {
			s.t.Fatalf("%s is handled at receive %d", r.Event.ID, r.ReceiveCount)
		}
	}
}

// wantDeadLetter checks that the hopeless message alone was moved, after this many receives.
func (s *site) wantDeadLetter(outcome events.Outcome, receives int) {
	s.t.Helper()
	s.wantDepth(sqslocal.Depth{})
	if dead := s.srv.Depth("dead.fifo"); dead.Visible != 1 {
		s.t.Errorf("dead letters: %+v", dead)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.results {
		if r.Outcome == outcome {
			n++
		}
	}
	if n != receives {
		s.t.Errorf("%s %d times, want %d", outcome, n, receives)
	}
}

func TestHopelessFIFOMessagesAreNotReceivedInALoop(t *testing.T) {
	for _, outcome := range hopeless {
		for _, flood := range []int{1, 10, 25} {
			t.Run(fmt.Sprint(outcome, " ", flood), func(t *testing.T) {
				within(t, fifoName, func(s *site) { // which has no redrive policy
					for range flood {
						s.sendHopeless(outcome)
					}
					s.start(failHopeless)
					time.Sleep(time.Hour)
					// An empty queue takes 180.
					if n := s.srv.Calls("ReceiveMessage"); n < 100 || n > 500 {
						t.Errorf("%d receives in an hour", n)
					}
				})
			})
		}
	}
}

// A wrong signing secret may yet be corrected.
func TestRejectedFIFOMessageAloneIsNoDeadLetterWithinSeconds(t *testing.T) {
	within(t, fifoName, func(s *site) {
		s.redriveAfter(10)
		s.sendHopeless(events.Rejected)
		s.start(failHopeless)
		time.Sleep(45 * time.Second)
		if dead := s.srv.Depth("dead.fifo"); dead.Visible != 0 {
			t.Errorf("dead letters: %+v", dead)
		}
		time.Sleep(3 * time.Minute)
		s.wantDeadLetter(events.Rejected, 10)
	})
}

func prefixed(prefix string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint(prefix, i))
	}
	return list
}

// sendHopeless sends a message to group a that has this outcome whenever it is received.
func (s *site) sendHopeless(outcome events.Outcome) {
	s.t.Helper()
	text := body("hopeless")
	if outcome == events.Malformed {
		text = "not JSON"
	}
	in := &sqs.SendMessageInput{
		QueueUrl: &s.url, MessageBody: &text, MessageAttributes: signed(text),
		MessageGroupId: aws.String("a"), MessageDeduplicationId: aws.String(rand.Text()),
	}
	if outcome == events.Rejected {
		in.MessageAttributes = signed("another body")
	}
	if _, err := s.client.SendMessage(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
}

// failHopeless is a handler that fails permanently for the message of sendHopeless.
func failHopeless(_ context.Context, e *events.Event) error {
	if e.ID == "hopeless" {
		return events.Permanent(errDown)
	}
	return nil
}
