package account

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// MaxMoveRate is the most messages a second that a message move task can move, and the rate of a task that sets none.
const MaxMoveRate = 500

// MoveStatus is the status of a message move task, as SQS names it.
type MoveStatus string

// The statuses of a message move task.
const (
	MoveRunning    MoveStatus = "RUNNING"
	MoveCancelling MoveStatus = "CANCELLING" // until the time of the next message
	MoveCancelled  MoveStatus = "CANCELLED"
	MoveCompleted  MoveStatus = "COMPLETED"
	MoveFailed     MoveStatus = "FAILED"
)

// MoveTask is a message move task. It moves the visible messages of a dead-letter queue, one at a time, to the queues they came from
// or to one other queue.
type MoveTask struct {
	Handle         string
	SourceARN      string
	DestinationARN string // "" for the queue each message came from
	Rate           int    // messages a second; zero if none was set
	Started        time.Time
	Status         MoveStatus
	Failure        string // the reason, as SQS names it
	ToMove, Moved  int    // messages: visible when the task started, and moved since
}

func (t *MoveTask) active() bool { return t.Status == MoveRunning || t.Status == MoveCancelling }

// interval is the time from one message to the next.
func (t *MoveTask) interval() time.Duration {
	if t.Rate == 0 {
		return time.Second / MaxMoveRate
	}
	return time.Second / time.Duration(t.Rate)
}

func (t *MoveTask) fail(reason string) { t.Status, t.Failure = MoveFailed, reason }

// moveHandle returns a task handle as SQS makes them.
func moveHandle(id, sourceARN string) string {
	text, err := json.Marshal(map[string]string{"taskId": id, "sourceArn": sourceARN})
	if err != nil {
		panic("sqslocal: " + err.Error()) // cannot happen: the values are strings
	}
	return base64.StdEncoding.EncodeToString(text)
}
