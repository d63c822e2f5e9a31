package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
)

// queueSettings choose the dead-letter queue, and the keys to check its messages with.
type queueSettings struct {
	config.File        `embed:""`
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue that is consumed; its redrive policy names the dead-letter queue."`
	DeadLetterQueueURL string `placeholder:"URL" help:"The dead-letter queue itself, instead of the one that the policy names."`
	config.Keys        `embed:""`
}

// A deadLetterQueue is a dead-letter queue that the commands print about.
type deadLetterQueue struct{ *deadletter.Queue }

// find returns the dead-letter queue of the settings. It reports faults, those of other
// settings, together with its own.
func (s *queueSettings) find(ctx context.Context, faults config.Faults) (*deadLetterQueue, error) {
	keys, err := s.Load(&s.File, nil)
	if err != nil && !errors.Is(err, config.ErrNoSecret) {
		faults.AddText(err.Error())
	}
	s.checkURLs(&faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	client, err := awsclient.New(ctx, cmp.Or(s.DeadLetterQueueURL, s.QueueURL))
	if err != nil {
		return nil, err
	}
	queue := &deadletter.Queue{Client: client, URL: s.DeadLetterQueueURL, Keys: keys, Warn: warn}
	if queue.URL != "" {
		err = queue.ReadAttributes(ctx)
	} else {
		queue, err = deadletter.Find(ctx, client, s.QueueURL, keys, warn)
	}
	switch {
	case errors.Is(err, deadletter.ErrNoPolicy):
		return nil, fmt.Errorf("%w; give --dead-letter-queue-url for a queue that it had before", err)
	case err != nil:
		return nil, err
	}
	if queue.HasRedrivePolicy() {
		term.Warn("the dead-letter queue itself has a redrive policy: inspecting a message counts as a receive, and SQS moves on a message with too many receives")
	}
	return &deadLetterQueue{queue}, nil
}

// warn prints a sentence on standard error.
func warn(text string) { fmt.Fprintln(os.Stderr, text) }

func (s *queueSettings) checkURLs(faults *config.Faults) {
	switch {
	case s.DeadLetterQueueURL != "":
		faults.Add("--dead-letter-queue-url", consumer.CheckQueueURL(s.DeadLetterQueueURL))
	case s.QueueURL == "":
		faults.AddText("no queue: set --queue-url (WILDIX_QUEUE_URL), or --dead-letter-queue-url")
	default:
		faults.Add("--queue-url (WILDIX_QUEUE_URL)", consumer.CheckQueueURL(s.QueueURL))
	}
}

// counts returns the number of messages in each state.
func (d *deadLetterQueue) counts() string {
	return fmt.Sprintf("about %d visible, %d in flight, %d delayed", d.Visible(), d.InFlight(), d.Delayed())
}

// countAre returns a number of messages and a verb, such as "2 messages are".
func countAre(n int) string {
	if n == 1 {
		return "1 message is"
	}
	return fmt.Sprintf("%d messages are", n)
}

// moreAre returns a number of further messages and a verb, such as "2 more messages are".
func moreAre(n int) string {
	if n == 1 {
		return "1 more message is"
	}
	return fmt.Sprintf("%d more messages are", n)
}
