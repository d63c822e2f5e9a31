package consumer_test

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
)

// A request is a batch call of a process.
type request struct {
	name    string
	sent    time.Time
	entries []requested
}

type requested struct {
	id, handle string
	timeout    time.Duration
	returns    bool // the handler had failed by then
}

const (
	deletes           = "delete"
	changesVisibility = "timeout"
)

// received records what the process has received, shuffled on a standard queue.
func (p *process) received(messages []types.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	if !p.fifo {
		p.random.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	}
	for i := range messages {
		m := &messages[i]
		e := p.given(m)
		count := m.Attributes["ApproximateReceiveCount"]
		p.note(e, "received by worker %d, for the time %s", p.number, count)
		h := cmp.Or(p.holdings[e], &holding{})
		p.holdings[e] = h
		n, _ := strconv.Atoi(count)
		h.counts = append(h.counts, n)
		p.receivedAgain(e, h)
		h.handle, h.since, h.until = *m.ReceiptHandle, time.Now(), time.Now().Add(p.settings.lease)
		h.freed = false
	}
}

// missed records messages of an answer that the process did not wait for.
func (p *process) missed(messages []types.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	for i := range messages {
		e := p.given(&messages[i])
		p.note(e, "in an answer that worker %d does not wait for", p.number)
		if after := time.Since(p.stopAt); !p.stopAt.IsZero() && after < min(time.Second, p.settings.stop) {
			p.violated(e, stopWaitsForPolls, "was in an answer that worker %d did not wait for, %v after the stop", p.number, after)
		}
	}
}

// asks records a call that the process is about to make.
func (p *process) asks(r *request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	for i := range r.entries {
		asked := &r.entries[i]
		e := p.byHandle[asked.handle]
		h := p.holdings[e]
		if h == nil {
			p.violated(e, noStaleHandle, "is not with worker %d, which sends %s", p.number, r.name)
			continue
		}
		p.note(e, "worker %d sends %s %v", p.number, r.name, asked.timeout)
		if h.calls++; h.calls > 1 {
			p.violated(e, noRace, "has two calls of worker %d under way", p.number)
		}
		if r.name == deletes {
			p.deletes(e, h, asked.handle)
		}
		asked.returns = h.failed() && (h.ended == nil || asked.timeout != p.settings.lease) ||
			h.untried() && asked.timeout != p.settings.lease && asked.timeout != p.heldLease()
		p.returnsHeld(e, h, asked.timeout)
	}
}

// deletes checks a delete that is about to be sent.
func (p *process) deletes(e *entry, h *holding, handle string) {
	e.deleting = true
	now := time.Now()
	switch {
	case e.kind != valid:
		if !(p.settings.rejected == consumer.Delete || p.settings.rejected == consumer.Quarantine && e.copied) {
			p.violated(e, badIsNotDeleted, "is deleted by worker %d", p.number)
		}
	case !h.done:
		p.violated(e, onlyHandledIsDeleted, "is deleted by worker %d, whose handler has not succeeded", p.number)
	case h.running:
		p.violated(e, onlyHandledIsDeleted, "is deleted by worker %d while its handler runs", p.number)
	case now.After(h.until):
		p.violated(e, noStaleHandle, "is deleted by worker %d, whose lease ended at %v", p.number, h.until.Sub(p.begun))
	case handle != h.handle && now.After(h.since):
		p.violated(e, noStaleHandle, "is deleted by worker %d with the handle of an earlier receive", p.number)
	}
}

// answered records the answer of a call: the entries that were done and those that
// were refused, or neither if there was no answer.
func (p *process) answered(r *request, done []string, refused []types.BatchResultErrorEntry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	for _, asked := range r.entries {
		e := p.byHandle[asked.handle]
		h := p.holdings[e]
		if h == nil {
			continue
		}
		h.calls--
		stale := slices.ContainsFunc(refused, func(f types.BatchResultErrorEntry) bool { return *f.Id == asked.id && isStale(*f.Code) })
		switch newest := asked.handle == h.handle; {
		case stale:
			p.note(e, "%s of worker %d refused, its handle is stale", r.name, p.number)
			if newest {
				h.until, h.freed = time.Now(), true
			}
		case !slices.Contains(done, asked.id):
			p.note(e, "%s of worker %d not confirmed", r.name, p.number)
		case newest && r.name == deletes:
			p.note(e, "delete of worker %d done", p.number)
			h.freed = true
		case newest:
			p.note(e, "timeout of worker %d done", p.number)
			h.until = r.sent.Add(asked.timeout)
			h.freed = h.freed || asked.timeout == 0 || asked.returns && !h.atOnce
		default:
			p.note(e, "%s of worker %d reported as done, with the handle of an earlier receive", r.name, p.number)
		}
	}
}

// quarantined records which copies SQS has confirmed.
func (p *process) quarantined(entries []types.SendMessageBatchRequestEntry, done []types.SendMessageBatchResultEntry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, entry := range entries {
		if slices.ContainsFunc(done, func(d types.SendMessageBatchResultEntry) bool { return *d.Id == *entries[i].Id }) {
			e := p.byBody[*entry.MessageBody]
			e.copied = true
			p.note(e, "worker %d has a copy in quarantine", p.number)
		}
	}
}

func isStale(code string) bool {
	return code == "ReceiptHandleIsInvalid" || code == "InvalidParameterValue" || strings.HasSuffix(code, "MessageNotInflight")
}

// rob returns the newest handle of each message that the process has, to end its lease.
func (p *process) rob() (handles []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if h := p.holdings[e]; h != nil && !h.freed {
			h.robbed = true
			handles = append(handles, h.handle)
		}
	}
	return handles
}
