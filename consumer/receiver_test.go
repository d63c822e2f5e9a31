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

func TestNothingIsReceivedBeyondCapacity(t *testing.T) {
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

func TestTroubleIsWaitedOutWithoutAHotLoop(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"throttled":     {Status: 400, Code: "ThrottlingException"},
		"broken":        {Status: 500},
		"reset":         {DropBefore: true},
		"expired token": {Status: 403, Code: "ExpiredTokenException"},
		"no such queue": {Status: 400, Code: "QueueDoesNotExist"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				fault.Action = "ReceiveMessage"
				works := s.srv.Inject(fault)
				s.start(succeed)
				time.Sleep(time.Hour)
				if n := s.srv.Calls("ReceiveMessage"); n < 600 || n > 3600 {
					t.Errorf("%d receives in an hour of trouble", n)
				}
				works()
				s.send("call-1")
				time.Sleep(6 * time.Second)
				s.wantOutcomes("handled 1")
				time.Sleep(time.Minute)
				if n := s.logs.FilterMessage("SQS call failing, will go on trying").Len(); n != 1 {
					t.Errorf("%d log lines say that it began", n)
				}
				if n := s.logs.FilterMessage("SQS call working again").Len(); n != 1 {
					t.Errorf("%d log lines say that it ended", n)
				}
			})
		})
	}
}

func TestHungPollIsAbandoned(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Count: 1, Hang: true})
		s.start(succeed)
		s.send("call-1")
		time.Sleep(26 * time.Second)
		s.wantOutcomes("handled 1")
	})
}

func TestReceiveWithFewSlotsGathersMore(t *testing.T) {
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

func TestNowAndThenRefusedIsOneLogLine(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Chance: 0.3, Code: "ThrottlingException"})
		s.start(succeed)
		for _, id := range ids(600) {
			s.send(id)
			time.Sleep(100 * time.Millisecond)
		}
		if n := s.logs.FilterMessage("SQS call failing, will go on trying").Len(); n > 3 {
			t.Errorf("%d log lines in a minute of throttling", n)
		}
	})
}
