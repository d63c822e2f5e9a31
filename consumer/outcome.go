package consumer

import (
	"errors"
	"time"

	"wildix-worker/events"
)

// An outcome decides how a message is settled.
type outcome struct {
	Result
	// untouched: the message is returned after the delay without a call of its
	// handler. It has no Result.
	untouched bool
	delay     time.Duration
}

// untouched returns the outcome of a message that is returned without a Result.
func untouched(delay time.Duration) outcome { return outcome{untouched: true, delay: delay} }

// decided returns the outcome of a message that has a Result.
func decided(r Result) outcome { return outcome{Result: r} }

// returned reports whether the message is delivered again soon. One that fails
// permanently is not, and no other message waits for it.
func (o outcome) returned() bool {
	return o.untouched || o.Outcome == events.Failed && !events.IsPermanent(o.Err)
}

var (
	// errRefused stands for the permanent error of an earlier delivery.
	errRefused = events.Permanent(errors.New("refused for good by an earlier delivery"))
	errGoexit  = errors.New("handler ended its goroutine")
)
