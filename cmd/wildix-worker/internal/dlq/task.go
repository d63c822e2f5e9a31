package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

const (
	// taskInterval is the time between two requests for the state of a task.
	taskInterval = time.Second
	// maxTaskOutage is how long the state of a task may be unknown: tasks run for hours,
	// and networks have outages.
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

	handle   string
	started  int64 // identifies the task once it has ended and has no handle any more
	previous int64 // start of the task before it
}

type taskState = types.ListMessageMoveTasksResultEntry

// list returns the tasks of the queue, the newest first.
func (t *moveTask) list(ctx context.Context) ([]taskState, error) {
	ctx, cancel := context.WithTimeout(ctx, awsclient.Timeout)
	defer cancel()
	out, err := t.client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(t.arn()), MaxResults: aws.Int32(10)})
	if err != nil {
		return nil, t.explain("ListMessageMoveTasks", err)
	}
	return out.Results, nil
}

// watchRunning watches the task that is running, if there is one.
func (t *moveTask) watchRunning(ctx context.Context) (running bool, err error) {
	tasks, err := t.list(ctx)
	if err != nil || len(tasks) == 0 {
		return false, err
	}
	t.previous = tasks[0].StartedTimestamp
	if aws.ToString(tasks[0].Status) != "RUNNING" {
		return false, nil
	}
	t.handle, t.started = aws.ToString(tasks[0].TaskHandle), tasks[0].StartedTimestamp
	t.out.Printf("a task is moving messages already, since %s; Ctrl-C cancels it\ntask  %s\n",
		time.UnixMilli(t.started).Local().Format(time.DateTime), t.handle)
	return true, t.watch(ctx)
}

// run starts a task and watches it.
func (t *moveTask) run(ctx context.Context) error {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(t.arn())}
	if t.destination != "" {
		in.DestinationArn = &t.destination
	}
	if t.rate > 0 {
		in.MaxNumberOfMessagesPerSecond = &t.rate
	}
	out, err := t.start(ctx, in)
	if unsupported(err) { // another task is running, or the answer to our first try was lost
		if running, err := t.watchRunning(ctx); running || err != nil {
			return err
		}
	}
	if err != nil {
		return t.explain("StartMessageMoveTask", err)
	}
	t.handle = aws.ToString(out.TaskHandle)
	t.out.Printf("task  %s\n", t.handle)
	return t.watch(ctx)
}

// start goes on when ctx ends: only a task whose handle is known can be cancelled.
func (t *moveTask) start(ctx context.Context, in *sqs.StartMessageMoveTaskInput) (*sqs.StartMessageMoveTaskOutput, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	return t.client.StartMessageMoveTask(ctx, in)
}

// watch shows the progress of the task until it has ended. It cancels the task if ctx ends
// before.
func (t *moveTask) watch(ctx context.Context) error {
	p := newProgress()
	defer p.clear()
	var failing time.Time // since when the state is unknown; zero if it is known
	for {
		state, err := t.state(context.WithoutCancel(ctx))
		switch {
		case err == nil && ended(state):
			p.clear()
			return t.result(state)
		case err == nil:
			failing = time.Time{}
			p.show(state)
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > maxTaskOutage:
			return fmt.Errorf("the task goes on, but its progress is unknown: %w", err)
		}
		select {
		case <-time.After(taskInterval):
		case <-ctx.Done():
			return t.cancel(context.WithoutCancel(ctx), p)
		}
	}
}

// state returns the state of the task, or nil while SQS does not list it.
func (t *moveTask) state(ctx context.Context) (*taskState, error) {
	tasks, err := t.list(ctx)
	for i := range tasks {
		listed := &tasks[i]
		if t.started == 0 && (aws.ToString(listed.TaskHandle) == t.handle || listed.StartedTimestamp > t.previous) {
			t.started = listed.StartedTimestamp
		}
		if t.started != 0 && listed.StartedTimestamp == t.started {
			return listed, nil
		}
	}
	return nil, err
}

func ended(state *taskState) bool {
	if state == nil {
		return false
	}
	switch aws.ToString(state.Status) {
	case "COMPLETED", "CANCELLED", "FAILED":
		return true
	}
	return false
}

// cancel cancels the task, and returns how many messages it had moved.
func (t *moveTask) cancel(ctx context.Context, p *progress) error {
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	out, err := t.client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &t.handle})
	if err != nil && !unsupported(err) { // unsupported: it has just ended
		return fmt.Errorf("the task goes on, since it can't be cancelled: %w", t.explain("CancelMessageMoveTask", err))
	}
	moved := 0
	if out != nil {
		moved = int(out.ApproximateNumberOfMessagesMoved)
	}
	for {
		state, err := t.state(ctx)
		switch {
		case err == nil && ended(state):
			p.clear()
			return t.result(state)
		case err == nil && state == nil && t.started != 0: // some servers forget a task that was cancelled
			p.clear()
			return fmt.Errorf("cancelled: moved about %s; the rest stays", term.Plural(moved, "message"))
		}
		select {
		case <-time.After(taskInterval):
		case <-ctx.Done():
			p.clear()
			return fmt.Errorf("being cancelled, after about %s; the rest stays", term.Plural(moved, "message"))
		}
	}
}

// result prints or returns how a task ended.
func (t *moveTask) result(state *taskState) error {
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
		return fmt.Errorf("SQS gave up: moved %s; %s", moved, failureReason(state.FailureReason))
	}
}

// failureReasons explains reasons of SQS.
var failureReasons = map[string]string{
	"CouldNotDetermineMessageSource": "a message did not come here by a redrive policy, or its queue does not exist any more; give its queue with --to",
}

func failureReason(reason *string) string {
	code := aws.ToString(reason)
	if text := failureReasons[code]; text != "" {
		return text + " (SQS says " + code + ")"
	}
	return "SQS says " + code
}

// explain turns the error of a task's action into a sentence for people.
func (t *moveTask) explain(action string, err error) error {
	switch code := awsclient.ErrorCode(err); {
	case unknownAction(code):
		return fmt.Errorf("the server has no message move tasks (%s says %s); use export and send", action, code)
	case awsclient.Denied(err) && action == "StartMessageMoveTask":
		return fmt.Errorf("%w; it also needs sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on that queue, and sqs:SendMessage on the queue that the messages go to", explain("sqs:"+action, t.url, err))
	case awsclient.InvalidRequest(err) || resourceMissing(err):
		return fmt.Errorf("SQS does not move the messages of %s: %w", t.url, term.RootCause(err))
	default:
		return explain("sqs:"+action, t.url, err)
	}
}

// unknownAction reports whether a server, which then is not AWS, does not have the action.
func unknownAction(code string) bool {
	switch code {
	case "InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplementedException", "HTTP 404", "HTTP 500", "HTTP 501":
		return true
	}
	return false
}

func resourceMissing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

func unsupported(err error) bool {
	_, ok := errors.AsType[*types.UnsupportedOperation](err)
	return ok
}
