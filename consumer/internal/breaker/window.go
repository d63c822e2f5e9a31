package breaker

import (
	"slices"
	"time"
)

// The breaker opens when more than half of the messages in the window failed, and at
// least minFailures: a single message that always fails is not an outage.
const (
	windowMessages = 50
	windowTime     = 2 * time.Minute
	minFailures    = 5
)

// window holds the latest call about each of the last windowMessages messages,
// none older than windowTime.
type window struct {
	calls  []call // oldest first
	failed int    // of calls
}

type call struct {
	messageID string
	at        time.Time
	failed    bool
}

// add records a call. It drops an earlier call about the same message, old calls, and
// calls beyond windowMessages.
func (w *window) add(messageID string, failed bool) {
	now := time.Now()
	for len(w.calls) == windowMessages || len(w.calls) > 0 && now.Sub(w.calls[0].at) > windowTime {
		w.drop(0)
	}
	if i := slices.IndexFunc(w.calls, func(c call) bool { return c.messageID == messageID }); i >= 0 {
		w.drop(i)
	}
	w.calls = append(w.calls, call{messageID, now, failed})
	if failed {
		w.failed++
	}
}

func (w *window) drop(i int) {
	if w.calls[i].failed {
		w.failed--
	}
	w.calls = slices.Delete(w.calls, i, i+1)
}

// mostFailed reports whether the failures are an outage.
func (w *window) mostFailed() bool { return w.failed >= minFailures && 2*w.failed > len(w.calls) }

func (w *window) clear() { w.calls, w.failed = w.calls[:0], 0 }
