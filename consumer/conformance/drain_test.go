package conformance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestStopReturnsUnfinishedMessages(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		stopping := make(chan struct{})
		q.send("a", "b", "c", "d")
		w := q.start(func(ctx context.Context, e *events.Event) error {
			<-stopping
			if e.ID == "a" || e.ID == "b" {
				return nil
			}
			return sleepFor(time.Hour)(ctx, e)
		}, withLease(longLease), func(cfg *consumer.Config) {
			cfg.Concurrency, cfg.ShutdownTimeout = 4, 2*time.Second
		})
		q.eventually("all four handlers are running", func() bool { return len(q.startedIDs()) == 4 })
		q.send("e", "f") // no worker is free for them
		w.signal()
		close(stopping)
		q.check(w.stop())
		q.wantEventually(events.Handled, "a", "b")
		q.wantEventually(events.Failed, "c", "d")

		q.start(succeed)
		q.wantEventually(events.Handled, "a", "b", "c", "d", "e", "f")
		q.wantDepth(0)
	})
}

func TestRestartsLoseNoMessage(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		sent := make([]string, 60)
		for i := range sent {
			sent[i] = fmt.Sprintf("call-%02d", i)
		}
		q.send(sent...)
		for _, enough := range []int{10, 30, len(sent)} {
			w := q.start(func(ctx context.Context, e *events.Event) error {
				return sleepFor(rand.N(200*time.Millisecond))(ctx, e)
			}, func(cfg *consumer.Config) { cfg.Concurrency = 7 })
			q.eventually("enough are handled", func() bool { return len(q.idsOf(events.Handled)) >= enough })
			q.check(w.stop())
		}
		q.wantEventually(events.Handled, sent...)
		q.wantDepth(0)
	})
}
