package consumer_test

import (
	"context"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestIdleWorkerMakes180CallsAnHour(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		s.send(ids(500)...)
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 500")
		before := s.srv.Calls("")
		time.Sleep(time.Hour)
		if n := s.srv.Calls("") - before; n > 181 {
			t.Errorf("%d calls in an idle hour", n)
		}
	})
}

func TestWaitingPollIsAnsweredAtOnce(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		time.Sleep(10 * time.Second)
		s.send("call-1")
		time.Sleep(10 * time.Millisecond)
		s.wantBegun(1)
	})
}

func TestBurstReachesFullSpeedWithinASecond(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(10*time.Second), func(cfg *consumer.Config) { cfg.Concurrency = 300 })
		time.Sleep(time.Minute)
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Delay: 30 * time.Millisecond}) // about what AWS takes
		s.send(ids(300)...)
		time.Sleep(time.Second)
		s.wantBegun(300)
	})
}

func TestComplaint15NothingIsReceivedBeyondCapacity(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(100)...)
		s.start(working(25*time.Second), func(cfg *consumer.Config) { cfg.Concurrency = 7 })
		time.Sleep(20 * time.Second)
		s.wantBegun(7)
		s.wantDepth(sqslocal.Depth{Visible: 93, InFlight: 7})
	})
}

func TestUndeletableMessagesDoNotFillMemory(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 500})
		s.send(ids(2000)...)
		s.start(succeed, func(cfg *consumer.Config) { cfg.Concurrency = 10 })
		time.Sleep(10 * time.Minute)
		if n := len(s.begun()); n > 1000+10 {
			t.Errorf("%d messages were received while none could be deleted", n)
		}
	})
}

func TestComplaint01HungPollIsAbandoned(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Count: 1, Hang: true})
		s.start(succeed)
		s.send("call-1")
		time.Sleep(26 * time.Second)
		s.wantOutcomes("handled 1")
	})
}

func TestReceiveWaitsForMoreThanAFewSlots(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(1000)...)
		s.start(func(context.Context, *events.Event) error {
			time.Sleep(20 * time.Millisecond)
			return nil
		}, func(cfg *consumer.Config) { cfg.Concurrency = 20 })
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 1000")
		s.wantCalls("ReceiveMessage", 130)
	})
}
