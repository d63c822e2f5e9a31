package consumer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestObserveThatPanicsCostsNeitherMessageNorWorker(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(time.Second), func(cfg *consumer.Config) {
			record := cfg.Observe
			cfg.Concurrency, cfg.OrderByCall = 1, true
			cfg.Observe = func(r consumer.Result) {
				record(r)
				panic("no room")
			}
		})
		s.send("call-1", "call-1", "call-2") // one waits for another of its call
		s.sendRaw(body("forged"), nil)       // settled on the poller's goroutine or a worker's
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 3 rejected 1")
		s.wantDepth(sqslocal.Depth{InFlight: 1}) // the rejected one
		if got := s.logs.FilterMessage("Observe failed").Len(); got != 1 {
			t.Errorf("%d lines, want one", got)
		}
	})
}

// A nilError panics if it is nil.
type nilError struct{ code string }

func (e *nilError) Error() string { return "code " + e.code }

func TestNilPointerAsErrorIsTracedAndRetried(t *testing.T) {
	within(t, queueName, func(s *site) {
		recorder, tracing := traced()
		s.start(func(context.Context, *events.Event) error {
			if len(s.begun()) == 1 {
				var err *nilError
				return err
			}
			return nil
		}, tracing)
		s.send("call-1")
		time.Sleep(20 * time.Second)
		s.wantOutcomes("failed 1 handled 1")
		s.wantDepth(sqslocal.Depth{})
		if status := recorder.Ended()[0].Status(); status.Code != codes.Error || !strings.Contains(status.Description, "nil *consumer_test.nilError") {
			t.Errorf("status %v", status)
		}
	})
}
