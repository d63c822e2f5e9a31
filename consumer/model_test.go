package consumer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/consumer"
)

// TestPromisesHoldWhateverHappens plays random scripts: messages good and bad,
// handlers of every kind, trouble at SQS, leases that end, stops, kills and
// restarts. A ledger watches every call, every handler and every result, and
// says which promise was broken.
//
// Rapid makes a failing script as short as it can. The order of goroutines and
// the consumer's jitter are not the script's, so a script may fail only now and
// then: what it came to is remembered, and once one has failed the shorter ones
// get more than one try to break the same promise.
func TestPromisesHoldWhateverHappens(t *testing.T) {
	failed := make(map[string]*breach) // by script
	tries, promise := 1, ""
	rapid.Check(t, func(rt *rapid.T) {
		s := scripts.Draw(rt, "script")
		b := failed[s.String()]
		for n := 0; n < tries && b == nil; n++ {
			b = s.play(t)
		}
		if b == nil || promise != "" && b.promise != promise {
			return
		}
		failed[s.String()] = b
		tries, promise = 3, b.promise
		rt.Log(b.history)
		rt.Fatalf("broken: %s: %s", b.promise, b.how)
	})
}

// play returns the first promise that was broken, if any. That no goroutine is
// left is the bubble's to check.
func (s script) play(t *testing.T) (broken *breach) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, s)
		defer w.close()
		w.start(s.settings)
		for i, step := range s.steps {
			w.step = i + 1
			step.play(w)
			if w.check(); w.broken() != nil {
				break
			}
		}
		if w.broken() == nil {
			w.end()
		}
		broken = w.broken()
	})
	return broken
}

// end lets everything finish in peace, and looks at where each message is.
func (w *world) end() {
	w.mend()
	w.worker.terminate()
	w.peace = true
	w.start(settings{concurrency: 10, lease: 5 * time.Second, handler: 10 * time.Second, stop: 5 * time.Second, rejected: w.rejected})
	for range 24 * 60 {
		time.Sleep(time.Minute)
		w.check()
		left, stays := w.depth(w.url), 0
		if !w.redrives() && w.rejected == consumer.Leave {
			stays = w.bad()
		}
		if left == stays {
			break
		}
	}
	w.worker.terminate()
	w.worker.allHaveWords()
	w.allAreWhereTheyBelong(w.drain(w.url), w.drain(w.deadURL), w.drain(w.badURL), w.rejected)
}
