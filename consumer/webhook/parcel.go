package webhook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

// An item is an event on its way to SQS.
type item struct {
	ctx   context.Context // of who waits for it
	entry types.SendMessageBatchRequestEntry
	size  int
	done  chan error // gets one answer, or none if the context ends first
}

// A parcel is what goes to SQS in one call.
type parcel struct {
	items   []*item
	size    int
	timer   *time.Timer // until it goes as it is
	overdue bool        // it goes as soon as a call may be made
}

func (p *parcel) takes(it *item) bool {
	return len(p.items) < sqscall.MaxBatch && p.size+it.size <= sqscall.MaxSize
}

// put adds an item to the open parcel. The parcel goes when it is full, when it
// has waited for as long as it may, and when there is no call under way: under
// load parcels fill, and without it nothing waits. While no further call may be
// made, as soon on a FIFO queue, it goes on taking items.
func (r *Relay) put(it *item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open != nil && !r.open.takes(it) {
		r.seal()
	}
	if r.open == nil {
		p := &parcel{}
		p.timer = time.AfterFunc(linger, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			p.overdue = true
			if r.open == p && r.calls < r.most {
				r.seal()
			}
		})
		r.open = p
	}
	r.open.items = append(r.open.items, it)
	r.open.size += it.size
	if r.calls == 0 || len(r.open.items) == sqscall.MaxBatch {
		r.seal()
	}
}

// seal sends the open parcel as soon as a call may be made. r.mu is held.
func (r *Relay) seal() {
	r.open.timer.Stop()
	r.ready = append(r.ready, r.open)
	r.open = nil
	r.dispatch()
}

// dispatch makes as many calls as may be. r.mu is held.
func (r *Relay) dispatch() {
	for len(r.ready) > 0 && r.calls < r.most {
		p := r.ready[0]
		r.ready = r.ready[1:]
		r.calls++
		r.sending.Go(func() { r.send(p) })
	}
}

// send sends a parcel until nobody waits for what it holds.
func (r *Relay) send(p *parcel) {
	for tries := 1; p.drop(); tries++ {
		r.try(p)
		if len(p.items) > 0 {
			p.sleep(min(sqscall.Backoff.FullJitter(tries), maxPause))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls--
	r.dispatch()
	if r.open != nil && (r.calls == 0 || r.open.overdue && r.calls < r.most) {
		r.seal()
	}
}

// drop takes out of the parcel what nobody waits for any more, and reports
// whether anything is left.
func (p *parcel) drop() bool {
	kept := p.items[:0]
	for _, it := range p.items {
		if it.ctx.Err() == nil {
			kept = append(kept, it)
		}
	}
	p.items = kept
	return len(kept) > 0
}

// sleep waits for d, but not for longer than anyone waits for the parcel.
func (p *parcel) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for _, it := range p.items {
		select {
		case <-timer.C:
			return
		case <-it.ctx.Done():
		}
	}
}

// try makes one call, tells those whose items are settled by it, and keeps the
// rest in the parcel.
func (r *Relay) try(p *parcel) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &r.queueURL, Entries: make([]types.SendMessageBatchRequestEntry, len(p.items))}
	for i, it := range p.items {
		in.Entries[i] = it.entry
		in.Entries[i].Id = sqscall.EntryID(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	out, err := r.client.SendMessageBatch(ctx, in, sqscall.Options, checked)
	if err == nil {
		err = p.settle(out)
	}
	if err != nil {
		r.trouble.Failed(err)
		return
	}
	r.trouble.Succeeded()
}

// settle goes through an answer. The error is about the items that are left.
func (p *parcel) settle(out *sqs.SendMessageBatchOutput) error {
	taken := make([]*string, len(out.Successful))
	for i := range out.Successful {
		taken[i] = out.Successful[i].Id
	}
	failed := sqscall.Failures(len(p.items), taken, out.Failed)
	never := hopeless(out.Failed)
	var left []*item
	var code string
	for i, it := range p.items {
		id := *sqscall.EntryID(i)
		reason, isFailed := failed[id]
		switch {
		case !isFailed:
			it.done <- nil
		case never[id]:
			it.done <- events.Permanent(fmt.Errorf("SQS refuses the event: %s", reason))
		default:
			left, code = append(left, it), reason
		}
	}
	of := len(p.items)
	p.items = left
	if len(left) == 0 {
		return nil
	}
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf("SQS did not take %d of %d events", len(left), of)}
}

// hopeless returns the ids of the entries that fail for what is in them.
func hopeless(failed []types.BatchResultErrorEntry) map[string]bool {
	ids := make(map[string]bool)
	for _, f := range failed {
		code := aws.ToString(f.Code)
		ids[aws.ToString(f.Id)] = strings.HasSuffix(code, "InvalidMessageContents") ||
			f.SenderFault && (strings.HasSuffix(code, "InvalidParameterValue") || strings.HasSuffix(code, "MessageTooLong"))
	}
	return ids
}

// checked has the SDK compare the digest of each body that SQS says to have taken.
func checked(o *sqs.Options) { o.DisableMessageChecksumValidation = false }
