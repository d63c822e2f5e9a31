package sqslocal

import (
	"slices"
	"strings"
	"time"
)

type taskHandle struct{ TaskHandle string }

type startMoveInput struct {
	SourceArn                    string
	DestinationArn               string
	MaxNumberOfMessagesPerSecond *int
}

func (s *Server) startMessageMoveTask(_ *request, in *startMoveInput) (*taskHandle, error) {
	rate := 0
	if in.MaxNumberOfMessagesPerSecond != nil {
		if rate = *in.MaxNumberOfMessagesPerSecond; rate < 1 || rate > maxMoveRate {
			return nil, errInvalidValue("Value %d for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value from 1 to %d.", rate, maxMoveRate)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.moveSource(in.SourceArn)
	if err != nil {
		return nil, err
	}
	if in.DestinationArn != "" {
		if err := source.checkMoveTo(in.DestinationArn); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(source.moves, (*move).active) {
		return nil, errUnsupported("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	return &taskHandle{source.startMove(in.DestinationArn, rate, time.Now()).handle}, nil
}

// moveSource finds the dead-letter queue of an ARN. The server's lock is held.
func (s *Server) moveSource(arn string) (*queue, error) {
	q, err := s.queueOfARN("SourceArn", arn)
	if err != nil {
		return nil, err
	}
	for _, other := range s.queues {
		if r := other.settings.redrive; r != nil && r.TargetARN == arn {
			return q, nil
		}
	}
	return nil, errInvalidValue("Source queue must be configured as a Dead Letter Queue.")
}

// queueOfARN finds the queue that a parameter names.
func (s *Server) queueOfARN(parameter, arn string) (*queue, error) {
	if arn == "" {
		return nil, errMissing(parameter)
	}
	if strings.Count(arn, ":") != strings.Count(arnPrefix, ":") || !strings.HasPrefix(arn, "arn:") {
		return nil, errInvalidValue("You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	q, ok := s.queues[strings.TrimPrefix(arn, arnPrefix)]
	if !ok {
		return nil, errResourceNotFound("The resource that you specified for the " + parameter + " parameter doesn't exist.")
	}
	return q, nil
}

// checkMoveTo refuses queues that messages of q can't be moved to.
func (q *queue) checkMoveTo(arn string) error {
	target, err := q.server.queueOfARN("DestinationArn", arn)
	switch {
	case err != nil:
		return err
	case target == q:
		return errInvalidValue("Source queue arn and destination queue arn cannot be the same.")
	case target.fifo != q.fifo:
		return errInvalidValue("Source queue and destination queue must be of the same type.")
	}
	return nil
}

type listMovesInput struct {
	SourceArn  string
	MaxResults *int
}

type listMovesOutput struct{ Results []listedMove }

// listedMove is a task as a list shows it. Only one that runs has a handle.
type listedMove struct {
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	DestinationArn                    string `json:",omitempty"`
	FailureReason                     string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	SourceArn                         string
	StartedTimestamp                  int64
	Status                            moveStatus
	TaskHandle                        string `json:",omitempty"`
}

func (s *Server) listMessageMoveTasks(_ *request, in *listMovesInput) (*listMovesOutput, error) {
	limit := 1
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 10 {
		return nil, errInvalidValue("Value for parameter MaxResults is invalid. Reason: Must be an integer from 1 to 10.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.moveSource(in.SourceArn)
	if err != nil {
		return nil, err
	}
	out := &listMovesOutput{Results: []listedMove{}}
	for _, m := range slices.Backward(source.moves) {
		if len(out.Results) == limit {
			break
		}
		out.Results = append(out.Results, m.listed())
	}
	return out, nil
}

func (m *move) listed() listedMove {
	l := listedMove{
		ApproximateNumberOfMessagesMoved: m.moved, ApproximateNumberOfMessagesToMove: m.toMove,
		DestinationArn: m.destinationARN, FailureReason: m.failure, MaxNumberOfMessagesPerSecond: m.rate,
		SourceArn: m.source.arn(), StartedTimestamp: m.started.UnixMilli(), Status: m.status,
	}
	if m.status == moveRunning {
		l.TaskHandle = m.handle
	}
	return l
}

type cancelMoveOutput struct{ ApproximateNumberOfMessagesMoved int }

func (s *Server) cancelMessageMoveTask(_ *request, in *taskHandle) (*cancelMoveOutput, error) {
	if in.TaskHandle == "" {
		return nil, errMissing("TaskHandle")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.findMove(in.TaskHandle)
	switch {
	case m == nil:
		return nil, errResourceNotFound("Task does not exist.")
	case m.status != moveRunning:
		return nil, errUnsupported("Only active tasks can be cancelled.")
	}
	m.status = moveCancelling
	return &cancelMoveOutput{m.moved}, nil
}

func (s *Server) findMove(handle string) *move {
	for _, q := range s.queues {
		if i := slices.IndexFunc(q.moves, func(m *move) bool { return m.handle == handle }); i >= 0 {
			return q.moves[i]
		}
	}
	return nil
}
