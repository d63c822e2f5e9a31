package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// fewReceives are too few for the accidents of every day.
	fewReceives = 3
	// goodReceives are enough for most; a FIFO queue needs them.
	goodReceives = 10
	// shortRetention does not outlast a long weekend.
	shortRetention = 4 * 24 * time.Hour
)

// A redrive is where a queue's hopeless messages go, and when.
type redrive struct {
	deadLetters string // name of the dead-letter queue
	receives    int64
}

func checkRedrive(_ context.Context, i *inspection) finding {
	text := i.first.attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if text == "" {
		return warning("none", noRedrive)
	}
	r, err := parseRedrive(text)
	if err != nil {
		return warning("not understood", err.Error())
	}
	i.redrive = r
	what := fmt.Sprintf("after %s to %s", plural(int(r.receives), "receive"), r.deadLetters)
	switch {
	case isFIFO(i.cfg.QueueURL) && r.receives < goodReceives:
		return warning(what, fmt.Sprintf("each time that a message fails, those behind it in its group go back too and use up a receive; give a FIFO queue a generous maxReceiveCount, such as %d", goodReceives))
	case r.receives < fewReceives:
		return warning(what, fmt.Sprintf("a crash uses up a receive too, and so does each try while what a handler needs is down; a maxReceiveCount of %d leaves room for that", goodReceives))
	default:
		return fine(what)
	}
}

// parseRedrive reads a policy. Servers differ in whether the count is a number
// or a text.
func parseRedrive(text string) (*redrive, error) {
	var policy struct {
		Target   string      `json:"deadLetterTargetArn"`
		Receives json.Number `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil, fmt.Errorf("redrive policy: %w", err)
	}
	receives, err := policy.Receives.Int64()
	if err != nil {
		return nil, fmt.Errorf("redrive policy: maxReceiveCount: %w", err)
	}
	return &redrive{policy.Target[strings.LastIndex(policy.Target, ":")+1:], receives}, nil
}

// url is that of the dead-letter queue, which has the account and the region of its
// queue, and so all of its URL but the name.
func (r *redrive) url(queueURL string) string {
	return queueURL[:strings.LastIndex(queueURL, "/")+1] + r.deadLetters
}

// checkDeadLetters looks at the dead-letter queue.
func checkDeadLetters(ctx context.Context, i *inspection) finding {
	name := i.redrive.deadLetters
	dead := ask(ctx, i.client, i.redrive.url(i.cfg.QueueURL))
	switch {
	case missing(dead.err):
		return warning(name+" does not exist", "messages that should go there come back until their retention ends; make the queue, or change the redrive policy")
	case denied(dead.err):
		return skipped("allow sqs:GetQueueAttributes on " + name + " to have its retention compared")
	case dead.err != nil:
		return skipped(i.trouble(dead.err))
	}
	kept, known := retention(dead.attributes)
	queues, both := retention(i.first.attributes)
	switch {
	case !known || !both:
		return skipped("the server does not tell its retention")
	case kept < queues:
		return warning(fmt.Sprintf("keeps messages %s, the queue %s", short(kept), short(queues)),
			fmt.Sprintf("a message may be gone before anybody has looked at it, since on a standard queue its age counts from when it was sent; set MessageRetentionPeriod of %s to 1209600 (14 days)", name))
	default:
		return fine("keeps messages " + short(kept))
	}
}

func checkRetention(_ context.Context, i *inspection) finding {
	kept, known := retention(i.first.attributes)
	switch {
	case !known:
		return skipped("the server does not tell it")
	case kept < shortRetention:
		return warning(short(kept), "a message that waits longer is lost: an outage over a long weekend would lose calls; set the queue's MessageRetentionPeriod to 1209600 (14 days)")
	default:
		return fine(short(kept))
	}
}

// retention returns how long a queue keeps a message.
func retention(attributes map[string]string) (kept time.Duration, known bool) {
	seconds, err := strconv.Atoi(attributes[string(types.QueueAttributeNameMessageRetentionPeriod)])
	return time.Duration(seconds) * time.Second, err == nil
}
