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

// The promises that the ledger sees to.
const (
	onlyHandledIsDeleted  = "nothing is deleted that was not handled"
	badIsNotDeleted       = "what is not valid is never deleted"
	onlyVerifiedIsHandled = "nothing is handled that was not verified"
	nothingIsLost         = "nothing is lost"
	allIsHandled          = "every valid message is handled in the end, or a dead letter"
	oneHandler            = "no two handlers of one message at once"
	notHandledAgain       = "what a worker knows to be settled is not handled again"
	oneWord               = "every message is accounted for by exactly one of the six words"
	noStaleHandle         = "nothing is deleted with a stale handle"
	lostIsCancelled       = "no handler runs without a lease"
	noRace                = "no two calls about one message at once"
	inOrder               = "the messages of a group are handled in order, one at a time"
	withinCapacity        = "no more handlers run than were asked for"
	stopStartsNothing     = "nothing is started after the stop"
	stopWaitsForPolls     = "a stop leaves polls a second to answer"
	stopIsInTime          = "a stop takes at most 4s longer than the shutdown timeout"
	stopIsClean           = "a clean stop leaves nothing behind"
)

// A breach is a promise that was broken.
type breach struct {
	promise string
	how     string
	history string // of the message, and of the workers
}

// ledger is all that is known of the messages, and by whom.
type ledger struct {
	mu       sync.Mutex
	begun    time.Time
	log      []logLine
	breach   *breach
	entries  []*entry // in the order they were sent
	byName   map[string]*entry
	byBody   map[string]*entry
	byHandle map[string]*entry
	byID     map[string]*entry

	random *rand.Rand
	line   line // what is to happen on the way
	peace  bool // every handler is to succeed
}

// entry is one message.
type entry struct {
	parcel
	name      string // the step that sent it, and its place there
	tries     int    // how often a handler has begun
	done      bool   // a handler has succeeded
	refused   bool   // a handler has said never again
	copied    bool   // it is in quarantine
	deleting  bool   // a delete was sent
	overtaken *entry // FIFO: one behind it whose handler began before it was done
}

// A logLine without an entry is about all.
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

// note logs what has happened to a message. As all that follows, it is called
// with the lock held, unless it takes it.
func (l *ledger) note(e *entry, format string, args ...any) {
	l.log = append(l.log, logLine{e, fmt.Sprintf("%12v  %s", time.Since(l.begun), fmt.Sprintf(format, args...))})
}

// broke notes that a promise was broken. Only the first counts.
func (l *ledger) broke(e *entry, promise, format string, args ...any) {
	if l.breach != nil {
		return
	}
	l.breach = &breach{promise: promise, how: fmt.Sprintf(format, args...)}
	if e != nil {
		l.breach.how = e.name + " " + l.breach.how
	}
	l.note(e, "broken: %s", promise)
	l.breach.history = l.historyOf(e)
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

func (l *ledger) broken() *breach {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.breach
}

// sends enters a message that is about to be sent.
func (l *ledger) sends(name, body string, p parcel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{parcel: p, name: name}
	l.entries = append(l.entries, e)
	l.byName[name], l.byBody[body] = e, e
	l.note(e, "sent")
}

// hinder says what is to happen on the way from now on.
func (l *ledger) hinder(with line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = with
}

func (l *ledger) lateness() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line.late
}

// mutes reports whether this answer is to leave something out.
func (l *ledger) mutes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line.mute == 0 {
		return false
	}
	l.line.mute--
	return true
}

// taken notes messages that someone else has received.
func (l *ledger) taken(messages []types.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range messages {
		l.note(l.given(&messages[i]), "received by someone else")
	}
}

// given notes that SQS has given out a message.
func (l *ledger) given(m *types.Message) *entry {
	e := l.byBody[*m.Body]
	l.byID[*m.MessageId], l.byHandle[*m.ReceiptHandle] = e, e
	if e.overtaken != nil {
		l.broke(e, inOrder, "was still in the queue when the handler of %s began", e.overtaken.name)
	}
	return e
}

// allAreThere checks that the queues hold all that nobody has deleted.
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
		l.broke(nil, nothingIsLost, "the queues hold %d of %d messages that nobody has deleted", depth, kept)
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

// allAreWhereTheyBelong checks what has become of each message in the end,
// given the bodies of those in the queue and of the dead letters.
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
			l.broke(e, allIsHandled, "is still in the queue")
		}
	}
	for _, e := range l.entries {
		switch {
		case left[e]:
		case e.kind != valid && rejected == consumer.Delete:
		case e.kind != valid:
			l.broke(e, badIsNotDeleted, "is gone")
		case !e.done:
			l.broke(e, nothingIsLost, "is gone and was never handled")
		}
	}
}
