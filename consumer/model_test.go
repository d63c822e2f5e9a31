package consumer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/consumer"
)

// TestPromisesHoldInRandomScripts plays random scripts: valid and invalid messages,
// handlers of every kind, destinations that fail, hang and recover, trouble at SQS, leases
// that end, stops, kills and restarts.
// A ledger records every call, handler and result, and reports the promise that was
// broken.
//
// Rapid shortens a script that fails. The order of goroutines and the consumer's jitter
// are not part of the script, so a script may fail only sometimes. Therefore its result is
// kept, and after one has failed, shorter ones get several tries to break the same promise.
func TestPromisesHoldInRandomScripts(t *testing.T) {
	failed := make(map[string]*violation) // by script
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

// play returns the first promise that was broken, if any. The bubble checks that no
// goroutine is left.
func (s script) play(t *testing.T) (first *violation) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, s)
		defer w.close()
		w.start(s.settings)
		for i, step := range s.steps {
			w.step = i + 1
			step.play(w)
			if w.check(); w.firstViolation() != nil {
				break
			}
		}
		if w.firstViolation() == nil {
			w.end()
		}
		first = w.firstViolation()
	})
	return first
}

// end removes all faults, lets everything finish, and checks where each message is.
func (w *world) end() {
	w.repair()
	w.worker.terminate()
	w.peace = true
	for n := range w.behaviours {
		w.turned(n, works)
	}
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
	w.worker.receivedHaveOutcomes()
	w.allAreWhereTheyBelong(w.drain(w.url), w.drain(w.deadURL), w.drain(w.badURL), w.rejected)
}
