package consumer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/consumer/internal/observe"
	"wildix-worker/consumer/internal/order"
	"wildix-worker/consumer/internal/poll"
	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
)

// The causes that end a handler's context, as [context.Cause] returns them, besides
// [context.DeadlineExceeded] for the handler's time limit.
var (
	// ErrLeaseLost means that the message's lease ended or could not be extended,
	// so that another consumer may receive the message. This delivery does not
	// delete it, whatever the handler returns.
	ErrLeaseLost = errors.New("lease lost")
	// ErrStopping means that the shutdown timeout is over.
	ErrStopping = errors.New("worker stopping")
)

const (
	// pollGrace is how long polls may still be answered after a stop, within the
	// shutdown timeout, so that messages that SQS has already delivered are returned at
	// once.
	pollGrace = time.Second
	// cancelTime is how long cancelled handlers have to return.
	cancelTime = time.Second
	// settleTime is how long the last deletes and returns may take. With it and
	// cancelTime, a stop takes at most 4 s longer than ShutdownTimeout.
	settleTime = 3 * time.Second
)

// A Consumer receives messages from one queue and handles them. [New] creates it, and
// [Consumer.Run] runs it once.
type Consumer struct {
	cfg      Config
	pollers  *poll.Pollers
	settler  *settle.Settler
	budget   *inflight.Budget
	line     order.Line[*message]
	held     heldMessages
	late     lateReturns
	work     chan *message  // to the workers
	restarts sync.WaitGroup // held messages that wait for a worker
	workers  workers
	handlers context.Context // of their calls; set by Run
	stopping chan struct{}   // closed when Run's context has ended
	ran      atomic.Bool
	keyless  atomic.Int64 // when the signing keys could not be read, in Unix nanoseconds; 0 if they could since
	counts   [events.Outcomes]atomic.Int64
}

// New returns a consumer of a queue. client is an *sqs.Client or a substitute for it. An
// error joins an *[events.FieldError] for each invalid field of the configuration, and one
// for a nil client. New makes no request.
func New(client SQS, cfg Config) (*Consumer, error) {
	if err := validate(client, cfg); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Observe = observe.Guard(cfg.Observe, cfg.Logger)
	c := &Consumer{
		cfg:      cfg,
		work:     make(chan *message),
		stopping: make(chan struct{}),
	}
	c.budget = inflight.New(inflight.Config{
		Slots: cfg.Concurrency, MaxHeld: cfg.MaxHeld, MaxHeldBytes: cfg.MaxHeldBytes, Blocked: c.blocked,
	})
	c.workers.slots = c.budget.Slots
	c.settler = settle.New(settle.Config{
		Client:            client,
		QueueURL:          cfg.QueueURL,
		QuarantineURL:     cfg.QuarantineQueueURL,
		VisibilityTimeout: cfg.VisibilityTimeout,
		Budget:            c.budget,
		Logger:            cfg.Logger,
	})
	c.pollers = poll.New(poll.Config{
		Client:            client,
		QueueURL:          cfg.QueueURL,
		VisibilityTimeout: cfg.VisibilityTimeout,
		Grace:             min(pollGrace, cfg.ShutdownTimeout),
		Budget:            c.budget,
		Logger:            cfg.Logger,
	})
	return c, nil
}

// SetConcurrency changes how many messages are handled at once, also while Run is running. If
// it is less than are being handled, none of them is interrupted, and no further one is
// received until fewer are. The error is that of an invalid [Config].Concurrency.
func (c *Consumer) SetConcurrency(n int) error {
	if err := checkConcurrency(n); err != nil {
		return &events.FieldError{Field: "Concurrency", Err: err}
	}
	c.budget.SetSlots(n)
	c.workers.grow()
	return nil
}
