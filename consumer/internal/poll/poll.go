// Package poll receives messages from a queue by long polls.
//
// At least one poller runs. Another one starts when a poll returns more than half of a
// full batch while slots are free, and stops when its poll returns less than half of what
// it asked for. So an idle worker makes 180 calls an hour, and a busy one as many as it
// needs.
package poll

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

const (
	// maxWait is the longest that SQS lets a receive wait, in seconds.
	maxWait = 20
	// pollMargin is how much longer than maxWait a poll may take. One that takes longer
	// hangs, for example because the network was lost.
	pollMargin = 5 * time.Second
	// backlog is how many messages in one answer show that more are waiting. SQS may
	// return fewer than asked for, whatever the queue holds.
	backlog = sqscall.MaxBatch/2 + 1
)

// Config configures Pollers. Every field is required.
type Config struct {
	Client            sqscall.Receiver
	QueueURL          string
	VisibilityTimeout time.Duration // of a received message, in whole seconds
	// Grace is how long polls may still be answered after ctx has ended, so that
	// messages that SQS has already delivered can be returned.
	Grace  time.Duration
	Budget *inflight.Budget
	Logger *zap.Logger
}

// Pollers receive from one queue.
type Pollers struct {
	cfg     Config
	input   sqs.ReceiveMessageInput // all but the number of messages
	outage  *outage.Log
	tracker tracker

	running sync.WaitGroup
	mu      sync.Mutex
	count   int // pollers that run
}

// New returns pollers that have not started.
func New(cfg Config) *Pollers {
	attributes := []types.MessageSystemAttributeName{
		types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
	}
	if sqscall.IsFIFO(cfg.QueueURL) {
		attributes = append(attributes, types.MessageSystemAttributeNameMessageGroupId)
	}
	return &Pollers{
		cfg: cfg,
		input: sqs.ReceiveMessageInput{
			QueueUrl:                    &cfg.QueueURL,
			MessageAttributeNames:       []string{sqscall.SignatureAttribute},
			MessageSystemAttributeNames: attributes,
			VisibilityTimeout:           int32(cfg.VisibilityTimeout / time.Second),
			WaitTimeSeconds:             maxWait,
		},
		outage: sqscall.NewOutage(cfg.Logger, "receive"),
	}
}

// Run receives until ctx ends, and then until every poll is answered or Config.Grace is
// over. It passes each batch to deliver, from several goroutines at once, also after ctx
// has ended.
func (p *Pollers) Run(ctx context.Context, deliver func(context.Context, []sqscall.Message)) {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(p.cfg.Grace, cancel) })()

	p.start(ctx, calls, deliver)
	p.running.Wait()
}

// Stats returns the current figures.
func (p *Pollers) Stats() Stats { return p.tracker.snapshot() }

// start starts a poller, unless those that run can receive for all slots.
func (p *Pollers) start(ctx, calls context.Context, deliver func(context.Context, []sqscall.Message)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count*sqscall.MaxBatch >= p.cfg.Budget.Slots() {
		return
	}
	p.count++
	p.running.Go(func() { p.poll(ctx, calls, deliver) })
}

// mayStop reports whether another poller continues. If so, the calling poller must stop:
// it is no longer counted.
func (p *Pollers) mayStop() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 1 {
		return false
	}
	p.count--
	return true
}

// poll receives until ctx ends or this poller is no longer needed.
func (p *Pollers) poll(ctx, calls context.Context, deliver func(context.Context, []sqscall.Message)) {
	for {
		slots := p.cfg.Budget.Take(ctx, sqscall.MaxBatch)
		if slots == 0 {
			return
		}
		received, err := p.receive(calls, slots)
		if len(received) > 0 {
			deliver(ctx, received)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures := p.outage.Failed(err)
			if p.mayStop() {
				return
			}
			sleep(ctx, sqscall.Backoff.FullJitter(failures))
			continue
		}
		p.outage.Succeeded()
		switch {
		case slots == sqscall.MaxBatch && len(received) >= backlog:
			if p.cfg.Budget.Spare() {
				p.start(ctx, calls, deliver)
			}
		case 2*len(received) < slots && p.mayStop():
			return
		}
	}
}

// receive makes one long poll for as many messages as there are slots. It gives those back
// that it does not need.
func (p *Pollers) receive(ctx context.Context, slots int) ([]sqscall.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait*time.Second+pollMargin)
	defer cancel()
	input := p.input
	input.MaxNumberOfMessages = int32(slots)
	number := p.tracker.begin()
	messages, err := sqscall.Receive(ctx, p.cfg.Client, &input)
	p.tracker.end(number, len(messages), err)
	// A server may return more messages than asked for. Those have no slot, so they
	// are left, and become visible when their leases end.
	messages = messages[:min(slots, len(messages))]
	p.cfg.Budget.GiveBack(slots - len(messages))
	return messages, err
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Stats describe the receives of all pollers.
type Stats struct {
	UnderWay                 int
	Succeeded, Failed, Empty int           // answered receives; Empty are among Succeeded
	Answered                 time.Time     // time of the latest success; zero before the first
	FailingSince             time.Time     // time of the first failure since the latest success; zero if none
	Oldest                   time.Duration // how long the oldest receive has been running
}

// tracker counts receives.
type tracker struct {
	mu     sync.Mutex
	stats  Stats
	begun  map[int]time.Time // receives under way, by number
	number int               // of the latest receive
}

// begin records the start of a receive, and returns its number.
func (t *tracker) begin() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun == nil {
		t.begun = make(map[int]time.Time)
	}
	t.number++
	t.begun[t.number] = time.Now()
	return t.number
}

// end records the result of a receive.
func (t *tracker) end(number, received int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.begun, number)
	if err != nil {
		t.stats.Failed++
		if t.stats.FailingSince.IsZero() {
			t.stats.FailingSince = time.Now()
		}
		return
	}
	t.stats.Succeeded++
	t.stats.Answered, t.stats.FailingSince = time.Now(), time.Time{}
	if received == 0 {
		t.stats.Empty++
	}
}

func (t *tracker) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.UnderWay = len(t.begun)
	for _, at := range t.begun {
		s.Oldest = max(s.Oldest, time.Since(at))
	}
	return s
}
