package settle

import (
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

// An operation is what a batch call does to its messages.
type operation uint8

const (
	opExtend operation = iota
	opReturn
	opQuarantine
	opDelete

	operations = iota
)

func (o operation) String() string {
	return [...]string{"extend", "return", "quarantine", "delete"}[o]
}

// Requests counts calls of one operation.
type Requests struct{ Succeeded, Failed int }

// health is the state of one operation's calls. After a failure, one call at a time
// is made, with pauses, until one succeeds.
type health struct {
	outage   *outage.Log
	requests Requests
	underWay int // running calls
	failing  bool
	retryAt  time.Time
}

func newHealth(log *zap.Logger, op operation) health {
	return health{outage: sqscall.NewOutage(log, op.String())}
}

// openAt returns when the next call may be made.
func (h *health) openAt(now time.Time) time.Time {
	if h.failing && h.underWay > 0 {
		return now.Add(far) // its answer wakes Run
	}
	return h.retryAt
}

// answered records the result of a call. The pause after a failure is at most maxPause.
func (h *health) answered(err error, maxPause time.Duration) {
	h.underWay--
	if err == nil {
		h.requests.Succeeded++
		h.outage.Succeeded()
		h.failing, h.retryAt = false, time.Time{}
		return
	}
	h.requests.Failed++
	h.failing = true
	h.retryAt = time.Now().Add(min(sqscall.Backoff.FullJitter(h.outage.Failed(err)), maxPause))
}

// far stands for no known time: the next message or answer wakes Run earlier.
const far = time.Hour
