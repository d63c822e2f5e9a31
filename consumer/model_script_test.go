package consumer_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
)

// A script is all that is drawn of one run.
type script struct {
	settings
	fifo     bool
	byCall   bool   // the groups of a standard queue are calls, kept apart
	receives int    // after which a message goes to the dead-letter queue; 0 is never
	seed     uint64 // of the server's dice
	steps    []step
}

// settings are those of a worker.
type settings struct {
	concurrency          int
	lease, handler, stop time.Duration
	rejected             consumer.RejectedPolicy
}

// A step is one thing that happens.
type step interface {
	fmt.Stringer
	play(w *world)
}

// String tells the script, its steps numbered.
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
			lease:       time.Duration(rapid.IntRange(2, 60).Draw(t, "lease")) * time.Second,
			handler:     oneOf(t, time.Second, 10*time.Second, time.Minute, 10*time.Minute),
			stop:        oneOf(t, time.Second, 5*time.Second, 25*time.Second, 100*time.Millisecond),
			rejected:    oneOf(t, consumer.Leave, consumer.Quarantine, consumer.Delete),
		},
		fifo:     rapid.Bool().Draw(t, "fifo"),
		receives: oneOf(t, 0, 3, 10),
		seed:     rapid.Uint64Range(1, 1000).Draw(t, "seed"),
		steps:    rapid.SliceOfN(steps, 1, 20).Draw(t, "steps"),
	}
	s.byCall = !s.fifo && rapid.Bool().Draw(t, "by call")
	if s.fifo && s.receives == 0 {
		s.receives = 20 // what is not taken away would hold up its group for ever
	}
	for i, step := range s.steps {
		if d, ok := step.(sleep); ok { // what is left comes back with each lease, which takes real time
			s.steps[i] = min(d, sleep(1000*s.lease))
		}
	}
	return s
})

var steps = rapid.Custom(func(t *rapid.T) step {
	return oneOf(t,
		drawSend, drawSend, drawSend, drawSend,
		drawSleep, drawSleep, drawSleep,
		drawTrouble, drawTrouble, drawTrouble, drawTrouble,
		drawLine, drawLine,
		func(*rapid.T) step { return mend{} },
		func(t *rapid.T) step { return restart{pause: drawDuration(t, time.Second)} },
		func(t *rapid.T) step { return restart{kill: true, pause: drawDuration(t, time.Second)} },
		func(t *rapid.T) step { return rival{drawDuration(t, time.Minute).Truncate(time.Second)} },
		func(*rapid.T) step { return expire{} },
	)(t)
})

// send puts messages on the queue.
type send []parcel

func drawSend(t *rapid.T) step {
	return send(rapid.SliceOfN(parcels, 1, 10).Draw(t, "parcels"))
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

// trouble is a fault that is switched on.
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
		f.Count++ // without an end, the same message would come in every millisecond
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

// line is trouble on the way: answers to receives come late from now on, and
// so many batch answers leave out their last success.
type line struct {
	late time.Duration
	mute int
}

func drawLine(t *rapid.T) step {
	return line{late: drawDuration(t, 100*time.Millisecond), mute: rapid.IntRange(0, 3).Draw(t, "mute")}
}

func (l line) String() string {
	return fmt.Sprintf("receives %v late, %d mute answers", l.late, l.mute)
}

// mend ends all trouble.
type mend struct{}

func (mend) String() string { return "mend" }

// restart ends the worker, one way or the other, and starts it anew.
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

// rival is someone else who receives messages, and does nothing with them.
type rival struct{ lease time.Duration }

func (r rival) String() string { return fmt.Sprintf("someone else receives for %v", r.lease) }

// expire lets SQS end all of the worker's leases before their time.
type expire struct{}

func (expire) String() string { return "leases end" }

// oneOf draws one of a few values, the first the simplest.
func oneOf[V any](t *rapid.T, values ...V) V {
	return rapid.SampledFrom(values).Draw(t, "one of")
}

// drawDuration draws up to a dozen of a unit between a millisecond and most.
func drawDuration(t *rapid.T, most time.Duration) time.Duration {
	units := []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, time.Hour}
	for units[len(units)-1] > most {
		units = units[:len(units)-1]
	}
	return time.Duration(rapid.IntRange(0, 12).Draw(t, "how many")) * oneOf(t, units...)
}
