package consumer_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
)

// A script has all random choices of one run.
type script struct {
	settings
	fifo   bool
	byCall bool // the groups of a standard queue are calls, whose events are handled in order
	calm   bool // without trouble at SQS
	// destinations of the router that is the handler; without, the handler does the acts
	destinations []destinationPlan
	receives     int    // after which a message goes to the dead-letter queue; 0 is never
	seed         uint64 // of the server's random choices
	steps        []step
}

// settings are those of a worker.
type settings struct {
	concurrency, maxHeld int
	lease, handler, stop time.Duration
	rejected             consumer.RejectedPolicy
}

// A step is one thing that happens.
type step interface {
	fmt.Stringer
	play(w *world)
}

// String returns the script with its steps numbered.
func (s script) String() string {
	var b strings.Builder
	queue := "standard queue"
	if s.fifo {
		queue = "FIFO queue"
	}
	if s.byCall {
		queue += " ordered by call"
	}
	fmt.Fprintf(&b, "a %s, dead letters after %d receives, seed %d; concurrency %d, leases of %v, handlers %v, stop %v, rejected %s\n",
		queue, s.receives, s.seed, s.concurrency, s.lease, s.handler, s.settings.stop, [...]string{"left", "quarantined", "deleted"}[s.rejected])
	if s.maxHeld > 0 {
		fmt.Fprintf(&b, "  at most %d held\n", s.maxHeld)
	}
	for i, d := range s.destinations {
		fmt.Fprintf(&b, "  destination %d: %v\n", i, d)
	}
	for i, step := range s.steps {
		fmt.Fprintf(&b, "  %d. %v\n", i+1, step)
	}
	return b.String()
}

// GoString is what rapid prints.
func (s script) GoString() string { return s.String() }

var scripts = rapid.Custom(func(t *rapid.T) script {
	s := script{
		settings: settings{
			concurrency: rapid.IntRange(1, 20).Draw(t, "concurrency"),
			maxHeld:     oneOf(t, 0, 0, 0, 2, 5),
			lease:       time.Duration(rapid.IntRange(2, 60).Draw(t, "lease")) * time.Second,
			handler:     oneOf(t, time.Second, 10*time.Second, time.Minute, 10*time.Minute),
			stop:        oneOf(t, time.Second, 5*time.Second, 25*time.Second, 100*time.Millisecond),
			rejected:    oneOf(t, consumer.Leave, consumer.Quarantine, consumer.Delete),
		},
		fifo:     rapid.Bool().Draw(t, "fifo"),
		receives: oneOf(t, 0, 3, 10),
		seed:     rapid.Uint64Range(1, 1000).Draw(t, "seed"),
		calm:     rapid.Bool().Draw(t, "calm"),
	}
	if rapid.Bool().Draw(t, "routed") {
		s.destinations = rapid.SliceOfN(destinationPlans, 1, maxDestinations).Draw(t, "destinations")
	}
	s.steps = rapid.SliceOfN(stepsOf(s.calm, len(s.destinations) > 0), 1, 20).Draw(t, "steps")
	s.byCall = !s.fifo && rapid.Bool().Draw(t, "by call")
	if s.fifo && s.receives == 0 {
		s.receives = 20 // a message that is never moved away would block its group for ever
	}
	for i, step := range s.steps {
		if d, ok := step.(sleep); ok { // messages that are left are received with each lease, which takes real time
			s.steps[i] = min(d, sleep(1000*s.lease))
			if len(s.destinations) > 0 { // probes take real time too
				s.steps[i] = min(d, sleep(20*time.Minute), sleep(1000*s.lease))
			}
		}
	}
	return s
})

// stepsOf draws the steps of a script.
func stepsOf(calm, routed bool) *rapid.Generator[step] {
	kinds := []func(*rapid.T) step{
		drawSend, drawSend, drawSend, drawSend,
		drawSleep, drawSleep, drawSleep,
		func(t *rapid.T) step { return restart{pause: drawDuration(t, time.Second)} },
		func(t *rapid.T) step { return restart{kill: true, pause: drawDuration(t, time.Second)} },
		func(t *rapid.T) step { return otherConsumer{drawDuration(t, time.Minute).Truncate(time.Second)} },
		func(*rapid.T) step { return expire{} },
	}
	if !calm {
		kinds = append(kinds, drawTrouble, drawTrouble, drawTrouble, drawTrouble, drawNetwork, drawNetwork,
			func(*rapid.T) step { return repair{} })
	}
	if !routed {
		kinds = append(kinds, func(*rapid.T) step { return sleep(13 * time.Hour) }) // beyond the longest hold
	} else {
		kinds = append(kinds, drawTurn, drawTurn, drawTurn, drawTurn, drawFlood, drawFlood, drawSleep)
	}
	return rapid.Custom(func(t *rapid.T) step { return oneOf(t, kinds...)(t) })
}

// send puts messages on the queue.
type send []outgoing

func drawSend(t *rapid.T) step {
	return send(rapid.SliceOfN(outgoings, 1, 10).Draw(t, "outgoings"))
}

func (s send) String() string {
	texts := make([]string, len(s))
	for i, p := range s {
		texts[i] = p.String()
	}
	return "send " + strings.Join(texts, "; ")
}

// sleep lets time pass.
type sleep time.Duration

func drawSleep(t *rapid.T) step {
	unit := oneOf(t, time.Second, time.Second, time.Minute, time.Minute, time.Minute, time.Hour)
	return sleep(drawDuration(t, unit))
}

func (s sleep) String() string { return fmt.Sprintf("sleep %v", time.Duration(s)) }

// trouble is a fault of the server.
type trouble struct{ sqslocal.Fault }

func drawTrouble(t *rapid.T) step {
	f := oneOf(t,
		sqslocal.Fault{Status: 500},
		sqslocal.Fault{Code: "RequestThrottled"},
		sqslocal.Fault{DropBefore: true},
		sqslocal.Fault{DropAfter: true},
		sqslocal.Fault{Hang: true},
		sqslocal.Fault{Hang: true},
		sqslocal.Fault{Duplicate: true},
		sqslocal.Fault{Duplicate: true},
		sqslocal.Fault{FailEntries: 1},
		sqslocal.Fault{EntryChance: 0.5},
		sqslocal.Fault{EntryChance: 0.5, Code: "ReceiptHandleIsInvalid"},
		sqslocal.Fault{Delay: drawDuration(t, time.Second)},
	)
	switch batches := []string{"DeleteMessageBatch", "ChangeMessageVisibilityBatch", "SendMessageBatch"}; {
	case f.Duplicate:
		f.Action = "ReceiveMessage"
	case f.FailEntries > 0 || f.EntryChance > 0:
		f.Action = oneOf(t, batches...)
	default:
		f.Action = oneOf(t, append(batches, "ReceiveMessage")...)
	}
	f.Count = rapid.IntRange(0, 5).Draw(t, "count")
	if f.Duplicate {
		f.Count++ // without a limit, the same message would be received every millisecond
	}
	f.Chance = oneOf(t, 0, 0.5, 0.2)
	return trouble{f}
}

func (f trouble) String() string {
	text := fmt.Sprintf("trouble with %s:", f.Action)
	for _, effect := range []struct {
		is   bool
		name string
	}{
		{f.Delay > 0, "delay " + f.Delay.String()},
		{f.Hang, "hang"},
		{f.DropBefore, "drop before"},
		{f.Status > 0, fmt.Sprint(f.Status)},
		{f.Code != "", f.Code},
		{f.FailEntries > 0, fmt.Sprintf("for %d entries", f.FailEntries)},
		{f.EntryChance > 0, fmt.Sprintf("for entries by chance %v", f.EntryChance)},
		{f.Duplicate, "duplicate"},
		{f.DropAfter, "drop after"},
		{f.Count > 0, fmt.Sprintf("(%d times)", f.Count)},
		{f.Chance > 0, fmt.Sprintf("(by chance %v)", f.Chance)},
	} {
		if effect.is {
			text += " " + effect.name
		}
	}
	return text
}

// network is trouble between worker and server: from now on, answers to receives are late,
// and the given number of batch answers omit their last success.
type network struct {
	late time.Duration
	mute int
}

func drawNetwork(t *rapid.T) step {
	return network{late: drawDuration(t, 100*time.Millisecond), mute: rapid.IntRange(0, 3).Draw(t, "mute")}
}

func (n network) String() string {
	return fmt.Sprintf("receives %v late, %d answers without their last success", n.late, n.mute)
}

// repair ends all trouble.
type repair struct{}

func (repair) String() string { return "repair" }

// restart stops or kills the worker, and starts another one.
type restart struct {
	kill  bool
	pause time.Duration
}

func (r restart) String() string {
	if r.kill {
		return fmt.Sprintf("kill, start after %v", r.pause)
	}
	return fmt.Sprintf("stop, start after %v", r.pause)
}

// otherConsumer receives messages and does nothing with them.
type otherConsumer struct{ lease time.Duration }

func (r otherConsumer) String() string {
	return fmt.Sprintf("another consumer receives for %v", r.lease)
}

// expire ends all of the worker's leases early.
type expire struct{}

func (expire) String() string { return "leases end" }

// oneOf draws one of a few values. The first one is the simplest.
func oneOf[V any](t *rapid.T, values ...V) V {
	return rapid.SampledFrom(values).Draw(t, "one of")
}

// drawDuration draws up to twelve units. A unit is between a millisecond and most.
func drawDuration(t *rapid.T, most time.Duration) time.Duration {
	units := []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, time.Hour}
	for units[len(units)-1] > most {
		units = units[:len(units)-1]
	}
	return time.Duration(rapid.IntRange(0, 12).Draw(t, "how many")) * oneOf(t, units...)
}
