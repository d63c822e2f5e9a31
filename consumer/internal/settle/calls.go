package settle

import (
	"context"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/internal/newest"
	"wildix-worker/internal/sqscall"
)

// Client has the SQS calls that settle messages.
type Client interface {
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// queue makes batch calls about one queue, and sends to its quarantine queue.
type queue struct {
	client        Client
	url           string
	quarantineURL string
}

// call makes the call. It returns the error code of each entry that failed, by the
// entry's id, or the error of the whole call.
func (q queue) call(ctx context.Context, b *batch) (failed map[string]string, err error) {
	switch b.operation {
	case opDelete:
		return q.delete(ctx, b)
	case opQuarantine:
		return q.quarantine(ctx, b)
	default:
		return q.changeVisibility(ctx, b)
	}
}

func (q queue) delete(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(b.handles))
	for i := range entries {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: sqscall.EntryID(i), ReceiptHandle: &b.handles[i]}
	}
	out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	deleted := make([]*string, len(out.Successful))
	for i := range out.Successful {
		deleted[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), deleted, out.Failed), nil
}

func (q queue) changeVisibility(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(b.handles))
	for i := range entries {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: sqscall.EntryID(i), ReceiptHandle: &b.handles[i], VisibilityTimeout: b.timeouts[i],
		}
	}
	out, err := q.client.ChangeMessageVisibilityBatch(ctx,
		&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	changed := make([]*string, len(out.Successful))
	for i := range out.Successful {
		changed[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), changed, out.Failed), nil
}

func (q queue) quarantine(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(b.copies))
	for i, c := range b.copies {
		entries[i] = c.entry()
		entries[i].Id = sqscall.EntryID(i)
		if sqscall.IsFIFO(q.quarantineURL) {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = &c.messageID, &c.messageID
		}
	}
	out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.quarantineURL, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	sent := make([]*string, len(out.Successful))
	for i := range out.Successful {
		sent[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), sent, out.Failed), nil
}

// isStale reports whether an entry's error code means that its receipt handle is no
// longer valid: the message is deleted, visible, or received by another consumer.
func isStale(code string) bool {
	switch code {
	case "ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight",
		"InvalidParameterValue", "InvalidParameterValueException":
		return true
	}
	return false
}

// A batch is one call for up to ten messages. It copies what the call needs, since a
// message may get a newer receipt handle while the call runs.
type batch struct {
	operation operation
	leases    []*Lease
	handles   []string
	timeouts  []int32 // new visibility timeouts in seconds, for opExtend and opReturn
	copies    []*Copy // for opQuarantine
	size      int     // of the copies
}

// fits reports whether the batch has room for the message.
func (b *batch) fits(l *Lease) bool {
	if b.operation == opQuarantine && len(b.leases) > 0 && b.size+l.doing().copy.size() > sqscall.MaxSize {
		return false
	}
	return len(b.leases) < sqscall.MaxBatch
}

// add adds a message to the batch.
func (b *batch) add(l *Lease, now moment) {
	switch b.operation {
	case opReturn:
		b.timeouts = append(b.timeouts, l.returnTimeout(now))
	case opQuarantine:
		b.copies = append(b.copies, l.doing().copy)
		b.size += l.doing().copy.size()
	}
	b.addLease(l)
}

// addExtension adds a message to a batch that extends leases.
func (b *batch) addExtension(l *Lease, timeout time.Duration) {
	b.timeouts = append(b.timeouts, seconds(timeout))
	b.addLease(l)
}

func (b *batch) addLease(l *Lease) {
	l.inCall, l.calling = true, b.operation
	b.leases = append(b.leases, l)
	b.handles = append(b.handles, l.handle())
}

// maxQuarantining is how many messages may wait for the quarantine queue. Further ones
// are left, so that a flood of forged messages does not stop receiving.
const maxQuarantining = 10 * sqscall.MaxBatch

// The attributes of a message in quarantine, besides its X-SIGNATURE.
const (
	outcomeAttribute   = "WILDIX-OUTCOME"    // rejected or malformed
	reasonAttribute    = "WILDIX-REASON"     // such as "signature mismatch"
	messageIDAttribute = "WILDIX-MESSAGE-ID" // SQS's id of the original
)

// A Copy is a message as it is sent to the quarantine queue.
type Copy struct {
	messageID string
	Body      []byte
	Signature *types.MessageAttributeValue // as it was received; nil if there was none
	Outcome   string
	Reason    string
}

// entry returns the copy as an entry of a batch call.
func (c *Copy) entry() types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{
		MessageBody: aws.String(string(c.Body)), MessageAttributes: c.attributes(),
	}
}

// attributes returns the original signature and the reason for the quarantine. If that
// makes the message too large for SQS, it returns the signature alone.
func (c *Copy) attributes() map[string]types.MessageAttributeValue {
	original := make(map[string]types.MessageAttributeValue)
	if c.Signature != nil {
		original[sqscall.SignatureAttribute] = *c.Signature
	}
	all := maps.Clone(original)
	all[outcomeAttribute] = sqscall.Text(c.Outcome)
	all[reasonAttribute] = sqscall.Text(c.Reason)
	all[messageIDAttribute] = sqscall.Text(c.messageID)
	if len(c.Body)+sqscall.AttributesSize(all) > sqscall.MaxSize {
		return original
	}
	return all
}

// size is the size of the copy as SQS counts it, in bytes.
func (c *Copy) size() int {
	return len(c.Body) + sqscall.AttributesSize(c.attributes())
}

// answered processes the answer to a call that began at begun. failed and err are what
// queue.call returned.
func (s *Settler) answered(b *batch, begun moment, failed map[string]string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	s.health[b.operation].answered(s.now(), err, s.maxPause())
	for i, l := range b.leases {
		l.inCall = false
		if next := l.doing().next; next != nil {
			next.inCall = false
			l.begin().next = nil
			continue
		}
		code, entryFailed := failed[*sqscall.EntryID(i)]
		switch {
		case b.operation == opQuarantine && (err != nil || entryFailed):
			s.notQuarantined(l, code)
		case b.operation != opQuarantine && l.handle() != b.handles[i], err != nil:
			s.again(l, b.operation, 0) // the call used an older receipt handle, or failed as a whole
		case entryFailed && isStale(code):
			s.log.Debug("receipt handle no longer valid", zap.Stringer("operation", b.operation), zap.String("messageId", l.id()), zap.String("code", code))
			s.lose(l)
		case entryFailed:
			s.log.Warn("SQS refused one message of a batch, will try again",
				zap.Stringer("operation", b.operation), zap.String("messageId", l.id()), zap.String("code", code))
			l.tries++
			s.again(l, b.operation, min(sqscall.Backoff.FullJitter(int(l.tries)), s.maxPause()))
		default:
			s.confirmed(l, b, i, begun)
		}
	}
	s.wakeRun()
}

// confirmed records that SQS has carried out the i-th entry of a batch.
func (s *Settler) confirmed(l *Lease, b *batch, i int, begun moment) {
	switch b.operation {
	case opExtend:
		if l.state == handling { // else the tries are those of the call that settles it
			l.tries = 0
		}
		s.counts.extended++
		s.granted(l, begun, time.Duration(b.timeouts[i])*time.Second)
		s.checkBy(l.extendAt)
	case opDelete:
		s.counts.deleted++
		s.deleted.Add(newest.KeyOf(l.id()), maxRetention)
		s.forget(l)
	case opReturn:
		if !l.left {
			s.counts.returned++
		}
		s.forget(l)
	case opQuarantine:
		s.counts.quarantined++
		l.begin().copy = nil
		s.enqueue(l, deleting, s.now())
	}
}

// notQuarantined leaves a message that the quarantine queue did not take. It is
// delivered again when its lease ends, and sent to quarantine then.
func (s *Settler) notQuarantined(l *Lease, code string) {
	if code != "" {
		s.log.Warn("quarantine queue refused a message, leaving it", zap.String("messageId", l.id()), zap.String("code", code))
	}
	s.leave(l, s.now())
}

// again schedules another call for a message after a pause. The tries end with its
// lease.
func (s *Settler) again(l *Lease, op operation, pause time.Duration) {
	at := s.now() + pause
	switch op {
	case opExtend:
		l.extendAt = at
	default:
		if op == opDelete {
			s.counts.deletesFailed++
		}
		a := l.begin()
		a.notBefore, a.dueAt = at, at
		s.waiting[op] = append(s.waiting[op], l)
	}
	s.checkBy(min(l.extendAt, l.ends))
}
