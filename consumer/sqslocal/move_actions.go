package sqslocal

import (
	"wildix-worker/consumer/sqslocal/internal/account"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

type taskHandle struct{ TaskHandle string }

type startMoveInput struct {
	SourceArn                    string
	DestinationArn               string
	MaxNumberOfMessagesPerSecond *int
}

func startMessageMoveTask(r *request, in *startMoveInput) (*taskHandle, error) {
	rate := 0
	if in.MaxNumberOfMessagesPerSecond != nil {
		if rate = *in.MaxNumberOfMessagesPerSecond; rate < 1 || rate > account.MaxMoveRate {
			return nil, sqserr.InvalidValue("Value %d for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value from 1 to %d.", rate, account.MaxMoveRate)
		}
	}
	handle, err := r.account.StartMove(in.SourceArn, in.DestinationArn, rate)
	if err != nil {
		return nil, err
	}
	return &taskHandle{handle}, nil
}

type listMovesInput struct {
	SourceArn  string
	MaxResults *int
}

type listMovesOutput struct{ Results []listedMove }

// listedMove is a task in the output of ListMessageMoveTasks.
type listedMove struct {
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	DestinationArn                    string `json:",omitempty"`
	FailureReason                     string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	SourceArn                         string
	StartedTimestamp                  int64
	Status                            account.MoveStatus
	TaskHandle                        string `json:",omitempty"` // only while the task runs
}

func listMessageMoveTasks(r *request, in *listMovesInput) (*listMovesOutput, error) {
	limit := 1
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 10 {
		return nil, sqserr.InvalidValue("Value for parameter MaxResults is invalid. Reason: Must be an integer from 1 to 10.")
	}
	tasks, err := r.account.Moves(in.SourceArn, limit)
	if err != nil {
		return nil, err
	}
	out := &listMovesOutput{Results: make([]listedMove, len(tasks))}
	for i, t := range tasks {
		out.Results[i] = listedMove{
			ApproximateNumberOfMessagesMoved: t.Moved, ApproximateNumberOfMessagesToMove: t.ToMove,
			DestinationArn: t.DestinationARN, FailureReason: t.Failure, MaxNumberOfMessagesPerSecond: t.Rate,
			SourceArn: t.SourceARN, StartedTimestamp: t.Started.UnixMilli(), Status: t.Status,
		}
		if t.Status == account.MoveRunning {
			out.Results[i].TaskHandle = t.Handle
		}
	}
	return out, nil
}

type cancelMoveOutput struct{ ApproximateNumberOfMessagesMoved int }

func cancelMessageMoveTask(r *request, in *taskHandle) (*cancelMoveOutput, error) {
	if in.TaskHandle == "" {
		return nil, sqserr.MissingParameter("TaskHandle")
	}
	moved, err := r.account.CancelMove(in.TaskHandle)
	if err != nil {
		return nil, err
	}
	return &cancelMoveOutput{moved}, nil
}
