package consumer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func orderByCall(cfg *consumer.Config) { cfg.OrderByCall = true }

// sendCall sends events of one call that happened at these seconds.
func (s *site) sendCall(id string, seconds ...int) {
	s.t.Helper()
	for _, second := range seconds {
		body := fmt.Sprintf(`{"id":%q,"type":"call:update","time":%d}`, id, 1693389853000+1000*second)
		s.sendRaw(body, signed(body))
	}
}

// seconds returns when the events happened whose handlers have begun.
func seconds(handled []*events.Event) (list []int64) {
	for _, e := range handled {
		list = append(list, e.Time.Unix()-1693389853)
	}
	return list
}

func TestEventsOfOneCallAreHandledOneAtATime(t *testing.T) {
	within(t, queueName, func(s *site) { // which fails if two handlers of one call run
		s.sendCall("a", 1, 2, 3, 4)
		s.sendCall("b", 1, 2)
		s.start(working(10*time.Second), orderByCall)
		time.Sleep(5 * time.Second)
		s.wantBegun(2) // one of each
		time.Sleep(10 * time.Second)
		s.wantBegun(4)
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 6")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestEventsOfOneCallAreHandledInTheOrderOfTheirTimes(t *testing.T) {
	within(t, queueName, func(s *site) {
		var handled []*events.Event
		s.sendCall("a", 3, 1, 4, 2)
		s.start(func(ctx context.Context, e *events.Event) error {
			handled = append(handled, e)
			return working(10*time.Second)(ctx, e)
		}, orderByCall)
		time.Sleep(5 * time.Second)
		s.sendCall("a", 6, 5) // while the first is handled
		time.Sleep(2 * time.Minute)
		s.wantOutcomes("handled 6")
		if got := fmt.Sprint(seconds(handled)); got != "[1 2 3 4 5 6]" {
			t.Errorf("handled in the order %s", got)
		}
	})
}

func TestCallWithManyEventsDoesNotDelayOthers(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.sendCall("a", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
		s.start(working(20*time.Second), orderByCall, func(cfg *consumer.Config) { cfg.Concurrency = 2 })
		time.Sleep(5 * time.Second)
		s.sendCall("b", 1)
		time.Sleep(time.Second)
		s.wantBegun(2)
		time.Sleep(5 * time.Minute)
		s.wantOutcomes("handled 13")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestWaitingEventsOfACallAreLimited(t *testing.T) {
	within(t, queueName, func(s *site) {
		for second := range 200 {
			s.sendCall("a", second)
		}
		s.start(working(10*time.Second), orderByCall, func(cfg *consumer.Config) { cfg.Concurrency, cfg.MaxHeld = 2, 100 })
		time.Sleep(5 * time.Second)
		s.wantHeld(100) // the others were returned
	})
}

func TestNoMoreHandlersThanConcurrencyWithOrderByCall(t *testing.T) {
	within(t, queueName, func(s *site) {
		running, most := 0, 0
		s.start(func(ctx context.Context, e *events.Event) error {
			s.mu.Lock()
			running++
			most = max(most, running)
			s.mu.Unlock()
			defer func() {
				s.mu.Lock()
				running--
				s.mu.Unlock()
			}()
			return working(time.Second)(ctx, e)
		}, orderByCall, func(cfg *consumer.Config) { cfg.Concurrency = 3 })
		for i := range 60 {
			s.sendCall(fmt.Sprint("call-", i%7), i)
		}
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 60")
		if most != 3 {
			t.Errorf("%d handlers at once, want 3", most)
		}
	})
}

func TestFailureDoesNotDelayItsCall(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.sendCall("a", 1, 2, 3)
		s.start(func(context.Context, *events.Event) error {
			if len(s.begun()) == 1 {
				return events.RetryAfter(time.Minute, errDown)
			}
			return nil
		}, orderByCall)
		time.Sleep(time.Second)
		s.wantOutcomes("failed 1 handled 2")
		time.Sleep(2 * time.Minute)
		s.wantOutcomes("failed 1 handled 3")
	})
}

func TestStopReturnsEventsThatWaitForTheirCall(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.sendCall("a", 1, 2, 3)
		s.start(working(5*time.Second), orderByCall)
		time.Sleep(time.Second)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantOutcomes("handled 1")
		s.wantDepth(sqslocal.Depth{Visible: 2})
	})
}
