package deadletter

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// A Task is the state of a message move task of SQS.
type Task = types.ListMessageMoveTasksResultEntry

// Tasks returns the latest tasks of the queue, the newest first.
func (q *Queue) Tasks(ctx context.Context) ([]Task, error) {
	ctx, cancel := context.WithTimeout(ctx, awsclient.Timeout)
	defer cancel()
	out, err := q.Client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(q.ARN()), MaxResults: aws.Int32(10)})
	if err != nil {
		return nil, q.ExplainTask("ListMessageMoveTasks", err)
	}
	return out.Results, nil
}

// StartTask starts a task. destination is the ARN of the queue to move to; if it is empty, each
// message goes to the queue that it came from. rate is in messages a second; zero leaves it to
// SQS. The error is as SQS has returned it. The end of ctx does not interrupt StartTask, since
// only a task whose handle is known can be cancelled.
func (q *Queue) StartTask(ctx context.Context, destination string, rate int32) (handle string, err error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(q.ARN())}
	if destination != "" {
		in.DestinationArn = &destination
	}
	if rate > 0 {
		in.MaxNumberOfMessagesPerSecond = &rate
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	out, err := q.Client.StartMessageMoveTask(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.TaskHandle), nil
}

// A TaskID tells a task from the others that SQS lists. The zero TaskID is that of no task.
type TaskID struct {
	Handle   string
	Started  int64 // start time, which identifies the task after it has ended and lost its handle
	previous int64 // start time of the previous task
}

// FindRunning sets id to that of the task that is running, if there is one.
func (q *Queue) FindRunning(ctx context.Context, id *TaskID) (running bool, err error) {
	tasks, err := q.Tasks(ctx)
	if err != nil || len(tasks) == 0 {
		return false, err
	}
	id.previous = tasks[0].StartedTimestamp
	if aws.ToString(tasks[0].Status) != "RUNNING" {
		return false, nil
	}
	id.Handle, id.Started = aws.ToString(tasks[0].TaskHandle), tasks[0].StartedTimestamp
	return true, nil
}

// State returns the state of a task, or nil while SQS does not list it. It sets the start time
// of id.
func (q *Queue) State(ctx context.Context, id *TaskID) (*Task, error) {
	tasks, err := q.Tasks(ctx)
	for i := range tasks {
		listed := &tasks[i]
		if id.Started == 0 && (aws.ToString(listed.TaskHandle) == id.Handle || listed.StartedTimestamp > id.previous) {
			id.Started = listed.StartedTimestamp
		}
		if id.Started != 0 && listed.StartedTimestamp == id.Started {
			return listed, nil
		}
	}
	return nil, err
}

// Ended reports whether a task has ended. It is nil while SQS does not list it.
func Ended(task *Task) bool {
	if task == nil {
		return false
	}
	switch aws.ToString(task.Status) {
	case "COMPLETED", "CANCELLED", "FAILED":
		return true
	}
	return false
}

// failureReasons explains SQS's codes for why a task failed.
var failureReasons = map[string]string{
	"CouldNotDetermineMessageSource": "a message did not come here by a redrive policy, or the queue that it came from no longer exists; choose a queue with --to",
}

// FailureReason returns why a task has failed.
func FailureReason(task *Task) string {
	code := aws.ToString(task.FailureReason)
	if text := failureReasons[code]; text != "" {
		return text + " (SQS says " + code + ")"
	}
	return "SQS says " + code
}

// ExplainTask returns an error that says why a task's action failed and, if possible, what to
// do.
func (q *Queue) ExplainTask(action string, err error) error {
	switch code := awsclient.ErrorCode(err); {
	case unknownAction(code):
		return fmt.Errorf("the server has no message move tasks (%s says %s); use export and send", action, code)
	case awsclient.Denied(err) && action == "StartMessageMoveTask":
		return fmt.Errorf("%w; it also needs sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on that queue, and sqs:SendMessage on the queue that the messages go to", Explain("sqs:"+action, q.URL, err))
	case awsclient.InvalidRequest(err) || resourceMissing(err):
		return fmt.Errorf("SQS does not move the messages of %s: %w", q.URL, term.RootCause(err))
	default:
		return Explain("sqs:"+action, q.URL, err)
	}
}

// unknownAction reports whether the code means that the server does not have the action. AWS
// has all actions.
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

// TaskUnsupported reports whether SQS has refused to start a task because another one is
// running, or to cancel one because it has ended.
func TaskUnsupported(err error) bool {
	_, ok := errors.AsType[*types.UnsupportedOperation](err)
	return ok
}
