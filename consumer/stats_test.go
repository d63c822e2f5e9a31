package consumer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestStatsCountWhatHappens(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send("call-1", "call-2")
		s.sendRaw("not signed", nil)
		s.start(working(40*time.Second), func(cfg *consumer.Config) { cfg.HandlerTimeout = time.Minute })
		if got := s.consumer.Stats(); got.InHand != 0 || !got.Answered.IsZero() {
			t.Errorf("before the first answer: %+v", got)
		}
		time.Sleep(35 * time.Second)
		synctest.Wait()
		got := s.consumer.Stats()
		if got.InHand != 2 || got.Polls != 1 || got.Outcomes[events.Rejected] != 1 || got.LeasesExtended != 2 || got.Left != 1 {
			t.Errorf("in between: %+v", got)
		}
		if age := time.Since(got.Answered); age > 30*time.Second || got.OldestPoll > 25*time.Second {
			t.Errorf("last answered %s ago, the oldest poll %s", age, got.OldestPoll)
		}
		s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 500, Count: 1})
		time.Sleep(25 * time.Second)
		synctest.Wait()
		fatal(t, s.stop())
		got = s.consumer.Stats()
		if got.Deleted != 2 || got.DeletesFailed != 2 || got.InHand != 0 || got.Polls != 0 || got.Outcomes[events.Handled] != 2 {
			t.Errorf("in the end: %+v", got)
		}
		if deletes := got.Requests["delete"]; deletes != (consumer.Requests{Succeeded: 1, Failed: 1}) || got.Requests["receive"].Succeeded < 2 {
			t.Errorf("requests: %+v", got.Requests)
		}
	})
}

func TestStatsReportSinceWhenReceivesFail(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		time.Sleep(time.Minute)
		if since := s.consumer.Stats().FailingSince; !since.IsZero() {
			t.Errorf("failing since %s, though receives work", since)
		}
		repair := s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Status: 503})
		time.Sleep(3 * time.Minute)
		if since := time.Since(s.consumer.Stats().FailingSince); since < 2*time.Minute || since > 3*time.Minute {
			t.Errorf("failing for %s", since)
		}
		repair()
		time.Sleep(time.Minute)
		if since := s.consumer.Stats().FailingSince; !since.IsZero() {
			t.Errorf("failing since %s, though receives work again", since)
		}
	})
}

func TestResultReportsWhenTheMessageWasSent(t *testing.T) {
	within(t, queueName, func(s *site) {
		sent := time.Now()
		s.send("call-1")
		time.Sleep(time.Minute)
		s.start(succeed)
		time.Sleep(time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		if results := s.results; len(results) != 1 || results[0].SentAt.Sub(sent).Abs() > 10*time.Millisecond {
			t.Errorf("sent at %s: %+v", sent, results)
		}
	})
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConsumerIsReadyOnceTheQueueHasAnswered(t *testing.T) {
	within(t, queueName, func(s *site) {
		fixed := s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Status: 503})
		s.start(succeed)
		time.Sleep(2 * time.Minute)
		if err := s.consumer.Ready(); err == nil {
			t.Error("ready before the queue has answered")
		}
		if err := s.consumer.Healthy(); err != nil {
			t.Errorf("a queue that fails is not the consumer's health: %v", err)
		}
		fixed()
		time.Sleep(time.Minute)
		fatal(t, s.consumer.Ready())
	})
}
