package check

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

const (
	// fewReceives are too few for the accidents of every day.
	fewReceives = 3
	// goodReceives are enough for most; a FIFO queue needs them.
	goodReceives = 10
	// shortRetention does not outlast a long weekend.
	shortRetention = 4 * 24 * time.Hour
)

func checkRedrive(_ context.Context, i *inspection) finding {
	text := i.first.Get(types.QueueAttributeNameRedrivePolicy)
	if text == "" {
		return warning("none", awsclient.NoRedrivePolicy)
	}
	r, err := sqscall.ParseRedrivePolicy(text)
	if err != nil {
		return warning("not understood", err.Error())
	}
	i.redrive = &r
	what := fmt.Sprintf("after %s to %s", term.Plural(r.MaxReceiveCount, "receive"), r.DeadLetterQueue)
	switch {
	case sqscall.IsFIFO(i.cfg.QueueURL) && r.MaxReceiveCount < goodReceives:
		return warning(what, fmt.Sprintf("each time that a message fails, those behind it in its group go back too and use up a receive; give a FIFO queue a generous maxReceiveCount, such as %d", goodReceives))
	case r.MaxReceiveCount < fewReceives:
		return warning(what, fmt.Sprintf("a crash uses up a receive too, and so does each try while what a handler needs is down; a maxReceiveCount of %d leaves room for that", goodReceives))
	default:
		return fine(what)
	}
}

// checkDeadLetters looks at the dead-letter queue.
func checkDeadLetters(ctx context.Context, i *inspection) finding {
	name := i.redrive.DeadLetterQueue
	dead := awsclient.GetAttributes(ctx, i.client, i.redrive.DeadLetterQueueURL(i.cfg.QueueURL))
	switch {
	case awsclient.QueueMissing(dead.Err):
		return warning(name+" does not exist", "messages that should go there come back until their retention ends; make the queue, or change the redrive policy")
	case awsclient.Denied(dead.Err):
		return skipped("allow sqs:GetQueueAttributes on " + name + " to have its retention compared")
	case dead.Err != nil:
		return skipped(i.trouble(dead.Err))
	}
	kept, known := dead.Retention()
	queues, both := i.first.Retention()
	switch {
	case !known || !both:
		return skipped("the server does not tell its retention")
	case kept < queues:
		return warning(fmt.Sprintf("keeps messages %s, the queue %s", term.Duration(kept), term.Duration(queues)),
			fmt.Sprintf("a message may be gone before anybody has looked at it, since on a standard queue its age counts from when it was sent; set MessageRetentionPeriod of %s to 1209600 (14 days)", name))
	default:
		return fine("keeps messages " + term.Duration(kept))
	}
}

func checkRetention(_ context.Context, i *inspection) finding {
	kept, known := i.first.Retention()
	switch {
	case !known:
		return skipped("the server does not tell it")
	case kept < shortRetention:
		return warning(term.Duration(kept), "a message that waits longer is lost: an outage over a long weekend would lose calls; set the queue's MessageRetentionPeriod to 1209600 (14 days)")
	default:
		return fine(term.Duration(kept))
	}
}
