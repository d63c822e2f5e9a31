package consumer

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/events"
	"wildix-worker/signature"
)

// What a Config's zero values stand for.
const (
	DefaultConcurrency       = 64
	DefaultVisibilityTimeout = 60 * time.Second
	DefaultHandlerTimeout    = 30 * time.Second
	DefaultShutdownTimeout   = 25 * time.Second
)

// maxVisibility is how long SQS lets a message be in hand, from the receive and
// with all extensions.
const maxVisibility = 12 * time.Hour

const (
	minVisibility  = 2 * time.Second // an extension must fit into half of it
	maxConcurrency = 10_000          // far below the messages a queue may have in flight
)

// Config says what to consume and how. QueueURL, Keys and Handler are
// required; the zero value of everything else stands for a default.
type Config struct {
	// QueueURL is the queue to consume, as SQS names it. A name that ends in
	// .fifo makes it a FIFO queue.
	QueueURL string
	// Keys verify the messages' signatures.
	Keys *signature.Keyring
	// Handler gets the events, Concurrency of them at once.
	Handler events.Handler

	// Concurrency is how many messages are handled at once, and so how many
	// are received before they are handled: 1 to 10,000. Zero means
	// DefaultConcurrency.
	Concurrency int
	// VisibilityTimeout is the length of a lease: how long SQS keeps a
	// message from others when this process dies. It is extended while a
	// handler runs, so it need not be longer than handlers take. Whole
	// seconds from 2 s to 12 h. Zero means DefaultVisibilityTimeout.
	VisibilityTimeout time.Duration
	// HandlerTimeout limits one call of the handler. Zero means
	// DefaultHandlerTimeout.
	HandlerTimeout time.Duration
	// ShutdownTimeout is how long running handlers are given once Run's
	// context ends. A few seconds more are spent to settle their messages.
	// Zero means DefaultShutdownTimeout.
	ShutdownTimeout time.Duration

	// OrderByCall keeps the events of one call apart: those with the same
	// Event.ID are never handled concurrently by this consumer, and those that
	// wait for one are handled in the order of their times. Other calls are
	// not held up. A standard queue promises no order, so an event may still
	// come after a later one has been handled. On a FIFO queue the order
	// within each group is kept whatever this says.
	OrderByCall bool

	// OnRejected says what becomes of rejected and malformed messages. The
	// zero value leaves them to the queue's redrive policy.
	OnRejected RejectedPolicy
	// QuarantineQueueURL is where OnRejected Quarantine sends them.
	QuarantineQueueURL string

	// Logger gets what the consumer has to say. Nil means silence. Bodies,
	// signatures and secrets are never logged.
	Logger *zap.Logger
	// Observe, unless nil, is called once for every message that was handled
	// or turned away, as soon as its outcome is known. It is called from many
	// goroutines at once and must not block. Messages that are given back
	// untouched, at a stop or behind a failed one of their group, have no
	// outcome.
	Observe func(Result)
	// Tracer, unless nil, gets a span for every message that has an outcome, from
	// its receive to the outcome. The handler's context has it, so that spans which
	// the handler begins are its children.
	Tracer trace.Tracer
}

// A RejectedPolicy is what becomes of rejected and malformed messages.
type RejectedPolicy uint8

const (
	// Leave neither deletes the message nor gives it back: it is visible again
	// when its lease ends, until the queue's redrive policy moves it to the
	// dead-letter queue.
	Leave RejectedPolicy = iota
	// Quarantine sends the message with its X-SIGNATURE, as they came, to
	// another queue, and deletes it once SQS has taken it there. The String
	// attributes WILDIX-OUTCOME, WILDIX-REASON and WILDIX-MESSAGE-ID tell why
	// it is there, unless the message is too large for them. What can't be
	// sent is left. It may be sent more than once.
	Quarantine
	// Delete deletes the message, which is then lost: a wrong signing secret
	// loses all events.
	Delete
)

// withDefaults fills in what the zero values stand for.
func (cfg Config) withDefaults() Config {
	setDefault(&cfg.Concurrency, DefaultConcurrency)
	setDefault(&cfg.VisibilityTimeout, DefaultVisibilityTimeout)
	setDefault(&cfg.HandlerTimeout, DefaultHandlerTimeout)
	setDefault(&cfg.ShutdownTimeout, DefaultShutdownTimeout)
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Result) {}
	}
	return cfg
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports every fault of the configuration at once: a nil error, or
// one that joins an *[events.FieldError] for each.
func (cfg Config) Validate() error {
	cfg = cfg.withDefaults()
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, &events.FieldError{Field: field, Err: fmt.Errorf(format, args...)})
	}
	if err := CheckQueueURL(cfg.QueueURL); err != nil {
		fault("QueueURL", "%w", err)
	}
	if cfg.Keys == nil {
		fault("Keys", "required; without them no message can be verified")
	}
	if cfg.Handler == nil {
		fault("Handler", "required")
	}
	if cfg.Concurrency < 1 || cfg.Concurrency > maxConcurrency {
		fault("Concurrency", "%d is not between 1 and %d", cfg.Concurrency, maxConcurrency)
	}
	if v := cfg.VisibilityTimeout; v < minVisibility || v > maxVisibility || v%time.Second != 0 {
		fault("VisibilityTimeout", "%s is not whole seconds from 2s to 12h, the most SQS allows", v)
	}
	if cfg.HandlerTimeout < 0 || cfg.HandlerTimeout > maxVisibility {
		fault("HandlerTimeout", "%s is not between 0s and 12h, the longest SQS lets a message be worked on", cfg.HandlerTimeout)
	}
	if cfg.ShutdownTimeout < 0 {
		fault("ShutdownTimeout", "%s is negative", cfg.ShutdownTimeout)
	}
	if cfg.OnRejected > Delete {
		fault("OnRejected", "%d is not Leave, Quarantine or Delete", cfg.OnRejected)
	}
	if err := cfg.checkQuarantine(); err != nil {
		fault("QuarantineQueueURL", "%w", err)
	}
	return errors.Join(faults...)
}

func (cfg Config) checkQuarantine() error {
	switch {
	case cfg.OnRejected != Quarantine && cfg.QuarantineQueueURL != "":
		return errors.New("of no use unless what is rejected goes to quarantine")
	case cfg.OnRejected != Quarantine:
		return nil
	}
	if err := CheckQueueURL(cfg.QuarantineQueueURL); err != nil {
		return err
	}
	// One client reaches both, so the same path is the same queue, however the
	// host is written: messages would go round for ever.
	if queuePath(cfg.QuarantineQueueURL) == queuePath(cfg.QueueURL) {
		return errors.New("the queue that is consumed; name another one")
	}
	return nil
}
