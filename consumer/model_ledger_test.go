package consumer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
)

// The promises that the ledger checks.
const (
	onlyHandledIsDeleted  = "no message is deleted that was not handled"
	badIsNotDeleted       = "an invalid message is never deleted"
	onlyVerifiedIsHandled = "no message is handled that was not verified"
	nothingIsLost         = "nothing is lost"
	allIsHandled          = "every valid message is finally handled or a dead letter"
	oneHandler            = "no two handlers of one message at once"
	notHandledAgain       = "a message that a worker knows to be settled is not handled again"
	oneOutcome            = "every message has exactly one of the six outcomes"
	noStaleHandle         = "nothing is deleted with a stale handle"
	lostIsCancelled       = "no handler runs without a lease"
	noRace                = "no two calls about one message at once"
	inOrder               = "the messages of a group are handled in order, one at a time"
	withinCapacity        = "at most the configured number of handlers run"
	stopStartsNothing     = "nothing is started after the stop"
	stopWaitsForPolls     = "a stop leaves polls a second to answer"
	stopIsInTime          = "a stop takes at most 4s longer than the shutdown timeout"
	stopIsClean           = "a clean stop leaves nothing behind"
	stopReturnsHeld       = "a stop returns held messages at once"
	noReceiveSpent        = "an outage costs no receive"
	noneWaitsForAnother   = "no destination waits for another"
	allIsReceived         = "messages are received while a destination can take them"
	allHaveIt             = "no message is done before each of its destinations has it"
	notRepeated           = "a destination that has a message does not get it again in that delivery"
	heldGoesOn            = "held messages go on when they are resumed, or their destination works"
	isProbed              = "a destination with messages that wait is tried every four seconds"
	firstAttemptsOnly     = "only first attempts of ten messages show that a destination is down"
	heldIsLimited         = "at most the configured number of messages is held"
)

// A violation is a promise that was broken.
type violation struct {
	promise string
	how     string
	history string // of the message, and of the workers
}

// ledger has the state of all messages, and of each process.
type ledger struct {
	mu        sync.Mutex
	begun     time.Time
	log       []logLine
	violation *violation
	entries   []*entry // in the order they were sent
	byName    map[string]*entry
	byBody    map[string]*entry
	byHandle  map[string]*entry
	byID      map[string]*entry

	behaviours [maxDestinations]behaviour
	turnedAt   [maxDestinations]time.Time

	random  *rand.Rand
	network network // trouble between worker and server
	peace   bool    // every handler succeeds
}

// entry is one message.
type entry struct {
	outgoing
	name      string // the step that sent it, and its place there
	tries     int    // how often a handler has begun
	calls     [maxDestinations]int
	done      bool   // a handler has succeeded
	refused   bool   // a handler has said never again
	copied    bool   // it is in quarantine
	deleting  bool   // a delete was sent
	overtaken *entry // FIFO: a later message whose handler began before this one was done
}

// A logLine without an entry concerns every message.
type logLine struct {
	entry *entry
	text  string
}

func newLedger(seed uint64) *ledger {
	return &ledger{
		begun:    time.Now(),
		byName:   make(map[string]*entry),
		byBody:   make(map[string]*entry),
		byHandle: make(map[string]*entry),
		byID:     make(map[string]*entry),
		random:   rand.New(rand.NewPCG(seed, 0)),
	}
}

// note logs what has happened to a message. The lock must be held.
func (l *ledger) note(e *entry, format string, args ...any) {
	l.log = append(l.log, logLine{e, fmt.Sprintf("%12v  %s", time.Since(l.begun), fmt.Sprintf(format, args...))})
}

// violated records that a promise was broken. Only the first counts. The lock must be
// held.
func (l *ledger) violated(e *entry, promise, format string, args ...any) {
	if l.violation != nil {
		return
	}
	l.violation = &violation{promise: promise, how: fmt.Sprintf(format, args...)}
	if e != nil {
		l.violation.how = e.name + " " + l.violation.how
	}
	l.note(e, "broken: %s", promise)
	l.violation.history = l.historyOf(e)
}

func (l *ledger) historyOf(e *entry) string {
	var lines []string
	for _, line := range l.log {
		if e == nil || line.entry == nil || line.entry == e {
			lines = append(lines, line.text)
		}
	}
	const most = 60
	if n := len(lines) - most; n > 0 {
		lines = append([]string{fmt.Sprintf("(%d lines)", n)}, lines[n:]...)
	}
	return "history:\n" + strings.Join(lines, "\n")
}

func (l *ledger) firstViolation() *violation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.violation
}

// sends records a message that is about to be sent.
func (l *ledger) sends(name, body string, p outgoing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{outgoing: p, name: name}
	l.entries = append(l.entries, e)
	l.byName[name], l.byBody[body] = e, e
	l.note(e, "sent")
}

// disturbNetwork sets the trouble between worker and server from now on.
func (l *ledger) disturbNetwork(n network) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.network = n
}

func (l *ledger) answerDelay() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.network.late
}

// dropsSuccess reports whether this answer leaves out a success.
func (l *ledger) dropsSuccess() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.network.mute == 0 {
		return false
	}
	l.network.mute--
	return true
}

// taken records messages that another consumer has received.
func (l *ledger) taken(messages []types.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range messages {
		l.note(l.given(&messages[i]), "received by another consumer")
	}
}

// given records that SQS has delivered a message.
func (l *ledger) given(m *types.Message) *entry {
	e := l.byBody[*m.Body]
	l.byID[*m.MessageId], l.byHandle[*m.ReceiptHandle] = e, e
	if e.overtaken != nil {
		l.violated(e, inOrder, "was still in the queue when the handler of %s began", e.overtaken.name)
	}
	return e
}

// allAreThere checks that the queues hold every message that was not deleted.
func (l *ledger) allAreThere(depth int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := 0
	for _, e := range l.entries {
		if !e.deleting {
			kept++
		}
	}
	if depth < kept {
		l.violated(nil, nothingIsLost, "the queues hold %d of %d messages that were not deleted", depth, kept)
	}
}

// bad counts the messages that are not valid.
func (l *ledger) bad() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.kind != valid {
			n++
		}
	}
	return n
}

// allAreWhereTheyBelong checks where each message is in the end, given the bodies in
// the queue, the dead-letter queue and the quarantine queue.
func (l *ledger) allAreWhereTheyBelong(queued, dead, bad []string, rejected consumer.RejectedPolicy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := make(map[*entry]bool)
	for _, body := range slices.Concat(dead, bad) {
		left[l.byBody[body]] = true
	}
	for _, body := range queued {
		e := l.byBody[body]
		left[e] = true
		if e.kind == valid {
			l.violated(e, allIsHandled, "is still in the queue")
		}
	}
	for _, e := range l.entries {
		switch {
		case left[e]:
		case e.kind != valid && rejected == consumer.Delete:
		case e.kind != valid:
			l.violated(e, badIsNotDeleted, "is gone")
		case !e.done:
			l.violated(e, nothingIsLost, "is gone and was never handled")
		}
	}
}
