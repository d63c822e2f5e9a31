package settle

import (
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

// An operation is what a batch call does with its messages.
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

// health is the state of the calls of one operation. After a failure they are made
// one at a time and with pauses, until one succeeds.
type health struct {
	outage   *outage.Log
	requests Requests
	underWay int // calls that are not answered
	failing  bool
	retryAt  time.Time
}

func newHealth(log *zap.Logger, op operation) health {
	return health{outage: sqscall.NewOutage(log, op.String())}
}

// openAt returns when a call may be made.
func (h *health) openAt(now time.Time) time.Time {
	if h.failing && h.underWay > 0 {
		return now.Add(far) // its answer wakes Run
	}
	return h.retryAt
}

// answered records how a call went. The pause after a failure is at most maxPause.
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

// far is later than anything that is waited for. The next message or answer wakes
// Run before it.
const far = time.Hour
