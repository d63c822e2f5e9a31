package dlq

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

const (
	// movePause is the time between two looks at a task.
	movePause = time.Second
	// watchPatience is how long a task may not be seen: it goes on for hours, and a
	// network does not always.
	watchPatience = time.Minute
	// movePatience is how long a task may take to end after it is cancelled.
	movePatience = 15 * time.Second
	// moveLines is the time between two lines of progress where there is no terminal.
	moveLines = 10 * time.Second
)

// A mover has SQS move the messages of a dead-letter queue.
type mover struct {
	*deadLetterQueue
	destination string // its ARN; empty if messages go where they came from
	rate        int32  // messages a second; zero leaves it to SQS
	out         *term.Printer

	handle  string // of the task
	started int64  // by which it is known once it has ended and has no handle any more
	before  int64  // when the latest task before it was started
}

// latest returns the tasks of the queue, the newest first.
func (m *mover) latest(ctx context.Context) ([]types.ListMessageMoveTasksResultEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, awsclient.Timeout)
	defer cancel()
	out, err := m.client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(m.arn()), MaxResults: aws.Int32(10)})
	if err != nil {
		return nil, m.moveRefusal("ListMessageMoveTasks", err)
	}
	return out.Results, nil
}

// adopt watches the task that is running, if there is one.
func (m *mover) adopt(ctx context.Context) (running bool, err error) {
	tasks, err := m.latest(ctx)
	if err != nil || len(tasks) == 0 {
		return false, err
	}
	m.before = tasks[0].StartedTimestamp
	if aws.ToString(tasks[0].Status) != "RUNNING" {
		return false, nil
	}
	m.handle, m.started = aws.ToString(tasks[0].TaskHandle), tasks[0].StartedTimestamp
	m.out.Printf("a task is moving messages already, since %s; Ctrl-C cancels it\ntask  %s\n",
		time.UnixMilli(m.started).Local().Format(time.DateTime), m.handle)
	return true, m.watch(ctx)
}

// move starts a task and watches it.
func (m *mover) move(ctx context.Context) error {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(m.arn())}
	if m.destination != "" {
		in.DestinationArn = &m.destination
	}
	if m.rate > 0 {
		in.MaxNumberOfMessagesPerSecond = &m.rate
	}
	out, err := m.start(ctx, in)
	if busy(err) { // another was quicker, or the answer to our own first try was lost
		if running, err := m.adopt(ctx); running || err != nil {
			return err
		}
	}
	if err != nil {
		return m.moveRefusal("StartMessageMoveTask", err)
	}
	m.handle = aws.ToString(out.TaskHandle)
	m.out.Printf("task  %s\n", m.handle)
	return m.watch(ctx)
}

// start is not cut short by Ctrl-C: a task that was started has to be known to be cancelled.
func (m *mover) start(ctx context.Context, in *sqs.StartMessageMoveTaskInput) (*sqs.StartMessageMoveTaskOutput, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	return m.client.StartMessageMoveTask(ctx, in)
}

// watch shows how far the task is until it has ended. If ctx ends before, so does the task.
func (m *mover) watch(ctx context.Context) error {
	p := newProgress()
	defer p.clear()
	var failing time.Time // since when it can't be seen; zero if it can
	for {
		task, err := m.look(context.WithoutCancel(ctx))
		switch {
		case err == nil && ended(task):
			p.clear()
			return m.verdict(task)
		case err == nil:
			failing = time.Time{}
			p.show(task)
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > watchPatience:
			return fmt.Errorf("the task goes on, but can't be watched: %w", err)
		}
		select {
		case <-time.After(movePause):
		case <-ctx.Done():
			return m.cancel(context.WithoutCancel(ctx), p)
		}
	}
}

// look returns the task, or nil while SQS does not list it.
func (m *mover) look(ctx context.Context) (*types.ListMessageMoveTasksResultEntry, error) {
	tasks, err := m.latest(ctx)
	for i := range tasks {
		t := &tasks[i]
		if m.started == 0 && (aws.ToString(t.TaskHandle) == m.handle || t.StartedTimestamp > m.before) {
			m.started = t.StartedTimestamp
		}
		if m.started != 0 && t.StartedTimestamp == m.started {
			return t, nil
		}
	}
	return nil, err
}

func ended(t *types.ListMessageMoveTasksResultEntry) bool {
	if t == nil {
		return false
	}
	switch aws.ToString(t.Status) {
	case "COMPLETED", "CANCELLED", "FAILED":
		return true
	}
	return false
}

// cancel ends the task, and says how far it came.
func (m *mover) cancel(ctx context.Context, p *progress) error {
	ctx, stop := context.WithTimeout(ctx, movePatience)
	defer stop()
	out, err := m.client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &m.handle})
	if err != nil && !busy(err) { // busy: it has just ended
		return fmt.Errorf("the task goes on, since it can't be cancelled: %w", m.moveRefusal("CancelMessageMoveTask", err))
	}
	for {
		task, err := m.look(ctx)
		switch {
		case err == nil && ended(task):
			p.clear()
			return m.verdict(task)
		case err == nil && task == nil && m.started != 0: // some servers forget what was cancelled
			p.clear()
			return fmt.Errorf("cancelled: moved about %s; the rest stays", term.Plural(movedBefore(out), "message"))
		}
		select {
		case <-time.After(movePause):
		case <-ctx.Done():
			p.clear()
			return fmt.Errorf("being cancelled, after about %s; the rest stays", term.Plural(movedBefore(out), "message"))
		}
	}
}

func movedBefore(out *sqs.CancelMessageMoveTaskOutput) int {
	if out == nil {
		return 0
	}
	return int(out.ApproximateNumberOfMessagesMoved)
}

// verdict says how a task ended.
func (m *mover) verdict(t *types.ListMessageMoveTasksResultEntry) error {
	moved := term.Plural(int(t.ApproximateNumberOfMessagesMoved), "message")
	if n := aws.ToInt64(t.ApproximateNumberOfMessagesToMove); n > t.ApproximateNumberOfMessagesMoved {
		moved += fmt.Sprintf(" of about %d", n)
	}
	switch aws.ToString(t.Status) {
	case "COMPLETED":
		m.out.Printf("moved %s\n", moved)
		return m.out.Err()
	case "CANCELLED":
		return fmt.Errorf("cancelled: moved %s; the rest stays", moved)
	default:
		return fmt.Errorf("SQS gave up: moved %s; %s", moved, failure(t.FailureReason))
	}
}

// progress shows how far a task is: a bar on a terminal, now and then a line elsewhere.
type progress struct {
	*term.Printer
	terminal bool
	last     time.Time // of the line
	begun    time.Time
	first    int64 // messages that were moved by then
	shown    bool  // a bar is on the line of the cursor
	warned   bool  // that there is no end
}

func newProgress() *progress {
	return &progress{Printer: term.NewPrinter(os.Stderr), terminal: term.IsTerminal(os.Stderr), last: time.Now()}
}

func (p *progress) show(t *types.ListMessageMoveTasksResultEntry) {
	var moved, of int64
	if t != nil {
		moved, of = t.ApproximateNumberOfMessagesMoved, aws.ToInt64(t.ApproximateNumberOfMessagesToMove)
	}
	if of > 0 && moved > of && !p.warned {
		p.clear()
		term.Warn("more was moved than there was at first: messages come back, or new ones come; Ctrl-C cancels")
		p.warned = true
	}
	switch {
	case p.terminal:
		if p.begun.IsZero() {
			p.begun, p.first = time.Now(), moved
		}
		p.Printf("\r%s\x1b[K", term.Bar(moved, of, float64(moved-p.first)/time.Since(p.begun).Seconds()))
		p.shown = true
	case time.Since(p.last) >= moveLines:
		p.Printf("moved %d of about %d\n", moved, of)
		p.last = time.Now()
	}
}

// clear makes the line free for what follows.
func (p *progress) clear() {
	if p.shown {
		p.Printf("\r\x1b[K")
		p.shown = false
	}
}
