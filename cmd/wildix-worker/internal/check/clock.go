package check

import (
	"context"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

const (
	// clockTolerance is how far off the clock may be without a warning.
	clockTolerance = time.Minute
	// clockLimit is how far off the time of a signature may be, as AWS documents it. SQS has
	// been seen to refuse from 15 minutes on, other services from 5.
	clockLimit = 5 * time.Minute
)

// checkClock compares our clock with the time in the server's response, which has whole
// seconds.
func checkClock(_ context.Context, i *inspection) finding {
	if i.queue.ServerTime.IsZero() {
		return skipped("the server does not report its time")
	}
	ahead := i.queue.ReceivedAt.Sub(i.queue.ServerTime).Round(time.Second)
	off := ahead.Abs()
	text := term.Duration(off) + " ahead of AWS's"
	if ahead < 0 {
		text = term.Duration(off) + " behind AWS's"
	}
	const advice = "set the clock, and keep it right with a time service such as chrony"
	switch {
	case off >= clockLimit:
		return problem(text, "AWS refuses signatures that are more than 5 minutes off; the AWS SDK corrects itself after the first refusal, so that the worker may run, but the times in its log are wrong; "+advice)
	case off > clockTolerance:
		return warning(text, "the times in the log are wrong, and AWS refuses signatures that are more than 5 minutes off; "+advice)
	default:
		return ok("right to within a minute")
	}
}
