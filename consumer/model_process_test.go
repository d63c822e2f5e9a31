package consumer_test

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// process is one life of a worker: the client, the handler and the observer of
// one consumer, which tell the ledger all. After its death the consumer reaches
// nobody any more, and nobody counts what it does.
type process struct {
	*world
	settings settings
	number   int

	stop  context.CancelFunc
	ended chan struct{} // closed when Run has returned err
	err   error
	life  context.Context
	kill  context.CancelFunc

	record
}

// start starts a worker.
func (w *world) start(s settings) *process {
	p := &process{world: w, settings: s, number: len(w.processes) + 1, ended: make(chan struct{})}
	p.life, p.kill = context.WithCancel(context.Background())
	p.holdings = make(map[*entry]*holding)
	p.disturbed = len(w.menders) > 0 || w.line != line{}
	cfg := consumer.Config{
		QueueURL: w.url, Keys: keyring(w.t, key), Handler: p, Observe: p.observe,
		Concurrency: s.concurrency, VisibilityTimeout: s.lease, HandlerTimeout: s.handler, ShutdownTimeout: s.stop,
		OrderByCall: w.byCall, OnRejected: s.rejected,
	}
	if s.rejected == consumer.Quarantine {
		cfg.QuarantineQueueURL = w.badURL
	}
	c, err := consumer.New(p, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() {
		p.err = c.Run(ctx)
		close(p.ended)
	}()
	w.worker, w.processes = p, append(w.processes, p)
	return p
}

// terminate ends the process as SIGTERM does. It is gone once Run has returned,
// and with it the handlers that would not stop.
func (p *process) terminate() {
	p.mu.Lock()
	p.stopAt = time.Now()
	p.note(nil, "worker %d is told to stop", p.number)
	p.mu.Unlock()
	p.stop()
	select {
	case <-p.ended:
		p.stopped()
	case <-time.After(p.settings.stop + 4*time.Second + 100*time.Millisecond):
		p.mu.Lock()
		p.broke(nil, stopIsInTime, "worker %d has not stopped", p.number)
		p.mu.Unlock()
	}
	p.die()
}

// die ends the process as kill -9 does.
func (p *process) die() {
	p.mu.Lock()
	if !p.dead {
		p.note(nil, "worker %d is gone", p.number)
	}
	p.dead = true
	p.mu.Unlock()
	p.kill()
	p.stop()
}

var errDead = errors.New("the process is gone")

// living returns a context that ends with the process, or an error if that has
// ended.
func (p *process) living(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if p.life.Err() != nil {
		return nil, nil, errDead
	}
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(p.life, cancel)
	return ctx, cancel, nil
}

func (p *process) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	ctx, cancel, err := p.living(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	out, err := p.client.ReceiveMessage(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	if late := p.lateness(); late > 0 {
		select {
		case <-time.After(late):
		case <-ctx.Done():
			p.missed(out.Messages)
			return nil, ctx.Err()
		}
	}
	p.received(out.Messages)
	return out, nil
}

func (p *process) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	ctx, cancel, err := p.living(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	r := &request{name: deletes, sent: time.Now()}
	for _, e := range in.Entries {
		r.entries = append(r.entries, requested{id: *e.Id, handle: *e.ReceiptHandle})
	}
	p.asks(r)
	out, err := p.client.DeleteMessageBatch(ctx, in, options...)
	if err != nil {
		p.answered(r, nil, nil)
		return nil, err
	}
	out.Successful = muted(p, out.Successful)
	var done []string
	for _, e := range out.Successful {
		done = append(done, *e.Id)
	}
	p.answered(r, done, out.Failed)
	return out, nil
}

func (p *process) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	ctx, cancel, err := p.living(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	r := &request{name: hides, sent: time.Now()}
	for _, e := range in.Entries {
		r.entries = append(r.entries, requested{id: *e.Id, handle: *e.ReceiptHandle, hide: time.Duration(e.VisibilityTimeout) * time.Second})
	}
	p.asks(r)
	out, err := p.client.ChangeMessageVisibilityBatch(ctx, in, options...)
	if err != nil {
		p.answered(r, nil, nil)
		return nil, err
	}
	out.Successful = muted(p, out.Successful)
	var done []string
	for _, e := range out.Successful {
		done = append(done, *e.Id)
	}
	p.answered(r, done, out.Failed)
	return out, nil
}

func (p *process) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, options ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	ctx, cancel, err := p.living(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	out, err := p.client.SendMessageBatch(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	out.Successful = muted(p, out.Successful)
	p.quarantined(in.Entries, out.Successful)
	return out, nil
}

// muted leaves out the last success, if the answer is to.
func muted[E any](p *process, successes []E) []E {
	if len(successes) > 0 && p.mutes() {
		return successes[:len(successes)-1]
	}
	return successes
}

// HandleEvent does with the event what the script says.
func (p *process) HandleEvent(ctx context.Context, e *events.Event) error {
	entry, a := p.begins(string(e.Raw))
	if entry == nil {
		return errDead
	}
	told := ctx.Done()
	if a.told == deaf {
		told = nil
	}
	select {
	case <-p.life.Done():
		return errDead
	case <-told:
		if a.told == gives {
			p.ends(entry, a, events.Failed, "gives up, "+context.Cause(ctx).Error())
			return context.Cause(ctx)
		}
	case <-time.After(a.takes):
	}
	p.ends(entry, a, a.ends.word(), a.ends.String())
	return a.end()
}
