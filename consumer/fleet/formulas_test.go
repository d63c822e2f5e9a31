package fleet_test

import (
	"math"
	"time"

	"wildix-worker/consumer"
)

// The formulas of docs/cost.md, by the names that it uses. Rates are per second.

const (
	longPoll  = 20 * time.Second // of a receive
	perCall   = 10               // messages in a call, at most
	roundTrip = 20 * time.Millisecond
	slotWait  = 10 * time.Millisecond  // for more free slots, before a receive
	pollGrace = time.Second            // of a receive that runs when the worker stops
	linger    = time.Second            // of a handled message, for others to be deleted with it
	quiet     = 150 * time.Millisecond // replaces linger while no handler runs
)

// speed is how many events a second a worker can handle, as far as its handlers limit it. A
// slot is also taken while a message for it is received, and waits for others before that.
func speed(concurrency int, handlerTime time.Duration) float64 {
	return float64(concurrency) / (handlerTime + slotWait/2 + roundTrip).Seconds()
}

// receives is how many receives a second one worker makes for that many events a second,
// which arrive at random. A receive waits for the first message, at most for a long poll.
// Those that arrive during a round trip come with the next receive.
func receives(rate float64) float64 {
	if rate == 0 {
		return 1 / (longPoll + roundTrip).Seconds()
	}
	trip := roundTrip.Seconds()
	wait := math.Exp(-rate*trip) * (1 - math.Exp(-rate*longPoll.Seconds())) / rate
	return max(rate/perCall, 1/(trip+wait))
}

// fleetReceives is the least and the most receives a second that workers make together. SQS
// does not say which of several waiting receives gets a message. If it is the one that has
// waited longest, few end empty; at worst each worker's do as if it was idle.
func fleetReceives(workers, rate float64) (least, most float64) {
	idle := workers * receives(0)
	return max(workers*receives(rate/workers)-idle, idle, 0), rate + idle
}

// busyReceives is how many receives a second a worker makes while the queue has a backlog.
func busyReceives(concurrency int, speed float64) float64 {
	return speed / min(perCall, float64(concurrency), 1+speed*slotWait.Seconds())
}

// deletes is how many deletes a second one worker makes. The first handled message waits for
// others, until there are ten, or for linger, or until no handler has run for quiet.
func deletes(rate float64, handlerTime time.Duration) float64 {
	together := math.Exp(rate * (handlerTime + quiet).Seconds())
	return rate / min(perCall, 1+rate*linger.Seconds(), together)
}

// fleetDeletes is the least and the most deletes a second that workers make together. The
// least is for events that arrive at each worker at random, the most for those that arrive so
// evenly that none is deleted with another one.
func fleetDeletes(workers, rate float64, handlerTime time.Duration) (least, most float64) {
	return workers * deletes(rate/workers, handlerTime), rate
}

// extensions is how many calls extend the lease of each of n messages, if they are handled
// at the same time and their leases are extended when half of them is over.
func extensions(n int, handlerTime, lease time.Duration) float64 {
	return math.Floor(handlerTime.Seconds()/(lease/2).Seconds()) * math.Ceil(float64(n)/perCall)
}

// returned is how many messages are returned, and received again by other workers, if
// workers stop: those with which a receive is answered that runs already. SQS may have
// delivered them, so the answer is waited for.
func returned(stopped, rate float64) float64 { return stopped * rate * pollGrace.Seconds() }

// A service is the scaling of the stack in deploy/ecs, and what AWS documents of it.
type service struct {
	least, most  int     // workers
	target       float64 // messages that may wait for each worker
	starts       time.Duration
	inAtOnce     bool // removes all workers too many at once, instead of a tenth
	kill         bool // kills workers, instead of stopping them
	outCooldown  time.Duration
	inCooldown   time.Duration
	above, below int // datapoints, one a minute, after which workers are added or removed
}

// stack returns the service with the stack's values.
func stack(least, most int, target float64) service {
	return service{
		least: least, most: most, target: target, starts: time.Minute,
		outCooldown: time.Minute, inCooldown: 5 * time.Minute, above: 3, below: 15,
	}
}

// latest is how late an event is at most, with a backlog of so many messages: until it is
// seen and workers have started, until they have handled what came in the meantime, and for
// an event that a killed worker had in hand, until its lease ends.
func (s service) latest(backlog, speed float64, handlerTime time.Duration) time.Duration {
	seen := time.Duration(s.above+1) * time.Minute
	if s.kill {
		seen += s.starts + consumer.DefaultVisibilityTimeout
	}
	each := max(s.target, backlog/float64(s.most)) // messages for a worker, when all run that may
	drained := time.Duration(2 * each / speed * float64(time.Second))
	return (seen + s.starts + drained + handlerTime).Round(time.Second)
}

// usual is how late most events are at most: no workers are added for a backlog at the target.
func (s service) usual(speed float64, handlerTime time.Duration) time.Duration {
	return time.Duration(s.target/speed*float64(time.Second)) + handlerTime
}

// fleetSize is how many workers handle a rate of events, with room for peaks.
func fleetSize(rate, speed, headroom float64) int {
	return int(math.Ceil(rate / speed * headroom))
}
