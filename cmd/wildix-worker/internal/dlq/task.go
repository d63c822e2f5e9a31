package dlq

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

const (
	// taskInterval is the time between two requests for the state of a task.
	taskInterval = time.Second
	// maxTaskOutage is how long the state of a task may be unknown. It covers short outages
	// of the network, since tasks run for hours.
	maxTaskOutage = time.Minute
	// cancelTimeout is how long a task may take to end after it was cancelled.
	cancelTimeout = 15 * time.Second
)

// A moveTask is a message move task of SQS.
type moveTask struct {
	*deadLetterQueue
	destination string // ARN; empty for the queue that each message came from
	rate        int32  // messages a second; zero leaves it to SQS
	out         *term.Printer
	id          deadletter.TaskID
}

// watchRunning watches the task that is running, if there is one.
func (t *moveTask) watchRunning(ctx context.Context) (running bool, err error) {
	if running, err = t.FindRunning(ctx, &t.id); !running || err != nil {
		return false, err
	}
	t.out.Printf("a task is moving messages already, since %s; Ctrl-C cancels it\ntask  %s\n",
		time.UnixMilli(t.id.Started).Local().Format(time.DateTime), t.id.Handle)
	return true, t.watch(ctx)
}

// run starts a task and watches it.
func (t *moveTask) run(ctx context.Context) error {
	handle, err := t.StartTask(ctx, t.destination, t.rate)
	if deadletter.TaskUnsupported(err) { // another task is running, or ours is, and the SDK retried after a lost response
		if running, err := t.watchRunning(ctx); running || err != nil {
			return err
		}
	}
	if err != nil {
		return t.ExplainTask("StartMessageMoveTask", err)
	}
	t.id.Handle = handle
	t.out.Printf("task  %s\n", handle)
	return t.watch(ctx)
}

// watch shows the progress of the task until it has ended. If ctx ends first, it cancels the
// task.
func (t *moveTask) watch(ctx context.Context) error {
	p := newProgress()
	defer p.Clear()
	var failing time.Time // when the state became unknown; zero if it is known
	for {
		state, err := t.State(context.WithoutCancel(ctx), &t.id)
		switch {
		case err == nil && deadletter.Ended(state):
			p.Clear()
			return t.result(state)
		case err == nil:
			failing = time.Time{}
			p.show(state)
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > maxTaskOutage:
			return fmt.Errorf("the task continues, but its progress is unknown: %w", err)
		}
		select {
		case <-time.After(taskInterval):
		case <-ctx.Done():
			return t.cancel(context.WithoutCancel(ctx), p)
		}
	}
}

// cancel cancels the task, and returns how many messages it had moved.
func (t *moveTask) cancel(ctx context.Context, p *progress) error {
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	out, err := t.Client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &t.id.Handle})
	if err != nil && !deadletter.TaskUnsupported(err) { // unsupported means that it has just ended
		return fmt.Errorf("the task continues, since it can't be cancelled: %w", t.ExplainTask("CancelMessageMoveTask", err))
	}
	moved := 0
	if out != nil {
		moved = int(out.ApproximateNumberOfMessagesMoved)
	}
	for {
		state, err := t.State(ctx, &t.id)
		switch {
		case err == nil && deadletter.Ended(state):
			p.Clear()
			return t.result(state)
		case err == nil && state == nil && t.id.Started != 0: // some servers do not list cancelled tasks
			p.Clear()
			return fmt.Errorf("cancelled: moved about %s; the rest stays", term.Plural(moved, "message"))
		}
		select {
		case <-time.After(taskInterval):
		case <-ctx.Done():
			p.Clear()
			return fmt.Errorf("the task is being cancelled: moved about %s; the rest stays", term.Plural(moved, "message"))
		}
	}
}

// result prints how many messages were moved if the task has completed, and otherwise returns
// an error.
func (t *moveTask) result(state *deadletter.Task) error {
	moved := term.Plural(int(state.ApproximateNumberOfMessagesMoved), "message")
	if n := aws.ToInt64(state.ApproximateNumberOfMessagesToMove); n > state.ApproximateNumberOfMessagesMoved {
		moved += fmt.Sprintf(" of about %d", n)
	}
	switch aws.ToString(state.Status) {
	case "COMPLETED":
		t.out.Printf("moved %s\n", moved)
		return t.out.Err()
	case "CANCELLED":
		return fmt.Errorf("cancelled: moved %s; the rest stays", moved)
	default:
		return fmt.Errorf("the task failed: moved %s; %s", moved, deadletter.FailureReason(state))
	}
}
