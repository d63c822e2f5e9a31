package account

import (
	"slices"
	"strings"
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// StartMove starts a message move task and returns its handle. A rate of zero means none is set.
func (a *Account) StartMove(sourceARN, destinationARN string, rate int) (handle string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	source, err := a.findMoveSource(sourceARN)
	if err != nil {
		return "", err
	}
	if destinationARN != "" {
		if err := a.checkMoveDestination(source, destinationARN); err != nil {
			return "", err
		}
	}
	if slices.ContainsFunc(source.moves, func(m *move) bool { return m.active() }) {
		return "", sqserr.Unsupported("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	now := time.Now()
	m := &move{MoveTask: MoveTask{
		Handle: moveHandle(a.ids.UUID(), source.ARN()), SourceARN: source.ARN(), DestinationARN: destinationARN,
		Rate: rate, Started: now, Status: MoveRunning, ToMove: source.Depth(now).Visible,
	}}
	m.timer = time.AfterFunc(m.interval(), func() { a.moveNext(source, m) })
	source.moves = append(source.moves, m)
	return m.Handle, nil
}

// Moves returns the message move tasks of a dead-letter queue, the latest first.
func (a *Account) Moves(sourceARN string, limit int) ([]MoveTask, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	source, err := a.findMoveSource(sourceARN)
	if err != nil {
		return nil, err
	}
	tasks := make([]MoveTask, 0, limit)
	for _, m := range slices.Backward(source.moves) {
		if len(tasks) == limit {
			break
		}
		tasks = append(tasks, m.MoveTask)
	}
	return tasks, nil
}

// CancelMove cancels a running message move task. It returns how many messages were moved.
func (a *Account) CancelMove(handle string) (moved int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.findMove(handle)
	switch {
	case m == nil:
		return 0, sqserr.ResourceNotFound("Task does not exist.")
	case m.Status != MoveRunning:
		return 0, sqserr.Unsupported("Only active tasks can be cancelled.")
	}
	m.Status = MoveCancelling
	return m.Moved, nil
}

func (a *Account) findMove(handle string) *move {
	for _, e := range a.queues {
		if i := slices.IndexFunc(e.moves, func(m *move) bool { return m.Handle == handle }); i >= 0 {
			return e.moves[i]
		}
	}
	return nil
}

// findMoveSource returns the queue with the ARN, which must be the dead-letter queue of another.
func (a *Account) findMoveSource(arn string) (*entry, error) {
	source, err := a.findARNParameter("SourceArn", arn)
	if err != nil {
		return nil, err
	}
	for _, other := range a.queues {
		if r := other.Settings().Redrive; r != nil && r.TargetARN == arn {
			return source, nil
		}
	}
	return nil, sqserr.InvalidValue("Source queue must be configured as a Dead Letter Queue.")
}

// findARNParameter returns the queue whose ARN is the value of a parameter.
func (a *Account) findARNParameter(parameter, arn string) (*entry, error) {
	if arn == "" {
		return nil, sqserr.MissingParameter(parameter)
	}
	if strings.Count(arn, ":") != strings.Count(queue.ARNPrefix, ":") || !strings.HasPrefix(arn, "arn:") {
		return nil, sqserr.InvalidValue("You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	e := a.findARN(arn)
	if e == nil {
		return nil, sqserr.ResourceNotFound("The resource that you specified for the " + parameter + " parameter doesn't exist.")
	}
	return e, nil
}

func (a *Account) checkMoveDestination(source *entry, arn string) error {
	destination, err := a.findARNParameter("DestinationArn", arn)
	switch {
	case err != nil:
		return err
	case destination == source:
		return sqserr.InvalidValue("Source queue arn and destination queue arn cannot be the same.")
	case destination.FIFO() != source.FIFO():
		return sqserr.InvalidValue("Source queue and destination queue must be of the same type.")
	}
	return nil
}

// moveNext moves one message of a task and sets the timer for the next.
func (a *Account) moveNext(source *entry, m *move) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isClosed() {
		return
	}
	switch {
	case source.deleted:
		m.fail("AWS.SimpleQueueService.NonExistentQueue")
	case m.Status == MoveCancelling:
		m.Status = MoveCancelled
	default:
		a.moveOne(source, m, time.Now())
	}
	if m.active() {
		m.timer.Reset(m.interval())
	}
}

func (a *Account) moveOne(source *entry, m *move, now time.Time) {
	var to *entry
	outcome := source.MoveNext(func(sourceARN string) *queue.Queue {
		arn := m.DestinationARN
		if arn == "" {
			arn = sourceARN
		}
		if to = a.findARN(arn); to == nil {
			return nil
		}
		return to.Queue
	}, now)
	switch outcome {
	case queue.MoveEmpty:
		m.Status = MoveCompleted
	case queue.MoveNoDestination:
		m.fail("CouldNotDetermineMessageSource")
	case queue.Moved:
		a.wake(to, now)
		m.Moved++
	case queue.MoveExpired:
	}
}
