package consumer_test

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

// process is one run of a worker: the client, the handler and the observer of one
// consumer, which report everything to the ledger. After it has died, the consumer
// reaches no server, and the ledger ignores it.
type process struct {
	*world
	settings settings
	number   int
	consumer *consumer.Consumer
	router   *route.Router // nil without destinations

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
	p.disturbed = len(w.repairs) > 0 || w.network != network{}
	cfg := consumer.Config{
		QueueURL: w.url, Keys: keyring(w.t, key), Handler: p, Observe: p.observe,
		Concurrency: s.concurrency, VisibilityTimeout: s.lease, HandlerTimeout: s.handler, ShutdownTimeout: s.stop,
		OrderByCall: w.byCall, OnRejected: s.rejected, MaxHeld: s.maxHeld,
	}
	if len(w.destinations) > 0 {
		p.router = p.newRouter()
		cfg.Concurrency, cfg.Blocked = p.router.Concurrency(), p.router.Blocked
	}
	if s.rejected == consumer.Quarantine {
		cfg.QuarantineQueueURL = w.badURL
	}
	c, err := consumer.New(p, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	p.consumer = c
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() {
		p.err = c.Run(ctx)
		close(p.ended)
	}()
	w.worker, w.processes = p, append(w.processes, p)
	return p
}

// terminate ends the process as SIGTERM does. It has ended once Run has returned,
// including handlers that did not stop.
func (p *process) terminate() {
	p.mu.Lock()
	p.stopAt = time.Now()
	p.note(nil, "worker %d stops", p.number)
	p.mu.Unlock()
	p.stop()
	select {
	case <-p.ended:
		p.stopped()
	case <-time.After(p.settings.stop + 4*time.Second + 100*time.Millisecond):
		p.mu.Lock()
		p.violated(nil, stopIsInTime, "worker %d has not stopped", p.number)
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
	if late := p.answerDelay(); late > 0 {
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
	out.Successful = withoutDropped(p, out.Successful)
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
	r := &request{name: changesVisibility, sent: time.Now()}
	for _, e := range in.Entries {
		r.entries = append(r.entries, requested{id: *e.Id, handle: *e.ReceiptHandle, timeout: time.Duration(e.VisibilityTimeout) * time.Second})
	}
	p.asks(r)
	out, err := p.client.ChangeMessageVisibilityBatch(ctx, in, options...)
	if err != nil {
		p.answered(r, nil, nil)
		return nil, err
	}
	out.Successful = withoutDropped(p, out.Successful)
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
	out.Successful = withoutDropped(p, out.Successful)
	p.quarantined(in.Entries, out.Successful)
	return out, nil
}

// withoutDropped removes the last success, if the script says so.
func withoutDropped[E any](p *process, successes []E) []E {
	if len(successes) > 0 && p.dropsSuccess() {
		return successes[:len(successes)-1]
	}
	return successes
}

// HandleEvent handles the event as the script says.
func (p *process) HandleEvent(ctx context.Context, e *events.Event) error {
	entry, a := p.begins(string(e.Raw))
	if entry == nil {
		return errDead
	}
	if p.router != nil {
		return p.route(ctx, entry, e)
	}
	ignores := a.onCancel == ignoresCancel
	switch gaveUp, err := p.perform(ctx, a); {
	case err != nil:
		return err
	case gaveUp:
		p.ends(entry, ignores, events.Failed, "gives up, "+context.Cause(ctx).Error())
		return context.Cause(ctx)
	case a.ends == holds:
		p.pauses(entry, a)
	default:
		p.ends(entry, ignores, a.ends.outcome(), a.ends.String())
	}
	return a.end()
}

// perform takes the time of an act, and reports whether the handler gives up because its
// context has ended.
func (p *process) perform(ctx context.Context, a act) (gaveUp bool, err error) {
	cancelled := ctx.Done()
	if a.onCancel == ignoresCancel {
		cancelled = nil
	}
	select {
	case <-p.life.Done():
		return false, errDead
	case <-cancelled:
		return a.onCancel == givesUp, nil
	case <-time.After(a.takes):
		return false, nil
	}
}
