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
	// minReceives is the least maxReceiveCount of a standard queue without a warning.
	minReceives = 3
	// recommendedReceives is the maxReceiveCount that is recommended for every queue. For a
	// FIFO queue, less than that is a warning.
	recommendedReceives = 10
	// minRetention is the least retention without a warning: it covers a long weekend.
	minRetention = 4 * 24 * time.Hour
)

func checkQueue(_ context.Context, i *inspection) finding {
	switch {
	case !i.queue.QueueExists():
		return problem(i.explain(i.queue.Err), "")
	case i.queue.Err != nil:
		return ok("answers")
	default:
		return ok("answers, holds about " + term.Plural(i.queue.Total(), "message"))
	}
}

func checkRedrivePolicy(_ context.Context, i *inspection) finding {
	text := i.queue.Get(types.QueueAttributeNameRedrivePolicy)
	if text == "" {
		return warning("none", awsclient.NoRedrivePolicy)
	}
	policy, err := sqscall.ParseRedrivePolicy(text)
	if err != nil {
		return warning("can't be parsed", err.Error())
	}
	i.redrive = &policy
	summary := fmt.Sprintf("after %s to %s", term.Plural(policy.MaxReceiveCount, "receive"), policy.DeadLetterQueue)
	switch {
	case sqscall.IsFIFO(i.cfg.QueueURL) && policy.MaxReceiveCount < recommendedReceives:
		return warning(summary, fmt.Sprintf("each time a message fails, those behind it in its group are returned too, which costs them a receive; give a FIFO queue a generous maxReceiveCount, such as %d", recommendedReceives))
	case policy.MaxReceiveCount < minReceives:
		return warning(summary, fmt.Sprintf("a crash costs a receive too, and so does each attempt while something that a handler needs is down; a maxReceiveCount of %d leaves room for that", recommendedReceives))
	default:
		return ok(summary)
	}
}

func checkDeadLetterQueue(ctx context.Context, i *inspection) finding {
	name := i.redrive.DeadLetterQueue
	dead := awsclient.GetAttributes(ctx, i.client, i.redrive.DeadLetterQueueURL(i.cfg.QueueURL))
	switch {
	case awsclient.QueueMissing(dead.Err):
		return warning(name+" does not exist", "messages that should go there come back until their retention ends; create the queue, or change the redrive policy")
	case awsclient.Denied(dead.Err):
		return skipped("allow sqs:GetQueueAttributes on " + name + " to have its retention checked")
	case dead.Err != nil:
		return skipped(i.explain(dead.Err))
	}
	kept, known := dead.Retention()
	queueKept, queueKnown := i.queue.Retention()
	switch {
	case !known || !queueKnown:
		return skipped("the server does not report its retention")
	case kept < queueKept:
		return warning(fmt.Sprintf("keeps messages %s, the queue %s", term.Duration(kept), term.Duration(queueKept)),
			fmt.Sprintf("SQS may delete a message soon after it moved there, since on a standard queue its age counts from when it was first sent; set MessageRetentionPeriod of %s to 1209600 (14 days)", name))
	default:
		return ok("keeps messages " + term.Duration(kept))
	}
}

func checkRetention(_ context.Context, i *inspection) finding {
	kept, known := i.queue.Retention()
	switch {
	case !known:
		return skipped("the server does not report it")
	case kept < minRetention:
		return warning(term.Duration(kept), "a message that waits longer is lost, for example in an outage over a long weekend; set the queue's MessageRetentionPeriod to 1209600 (14 days)")
	default:
		return ok(term.Duration(kept))
	}
}
