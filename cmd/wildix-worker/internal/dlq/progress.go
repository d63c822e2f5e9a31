package dlq

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// progress shows the progress of a task.
type progress struct {
	*term.Progress
	warned bool // of more moved messages than there were
}

func newProgress() *progress { return &progress{Progress: term.NewProgress()} }

// show shows the progress of a task. state is nil if SQS does not list the task.
func (p *progress) show(state *deadletter.Task) {
	var moved, total int64
	if state != nil {
		moved, total = state.ApproximateNumberOfMessagesMoved, aws.ToInt64(state.ApproximateNumberOfMessagesToMove)
	}
	if total > 0 && moved > total && !p.warned {
		p.Clear()
		term.Warn("more messages were moved than the queue held at first: they come back, or new ones arrive; Ctrl-C cancels")
		p.warned = true
	}
	p.Show(moved, total, fmt.Sprintf("moved %d of about %d", moved, total))
}
