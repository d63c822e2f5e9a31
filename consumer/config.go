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

// The defaults of a [Config].
const (
	DefaultConcurrency       = 64
	DefaultVisibilityTimeout = 60 * time.Second
	DefaultHandlerTimeout    = 30 * time.Second
	DefaultShutdownTimeout   = 25 * time.Second
	DefaultMaxHeld           = 10_000
	DefaultMaxHeldBytes      = 64 << 20
)

// maxVisibility is SQS's limit of a visibility timeout with all its extensions, counted
// from the receive.
const maxVisibility = 12 * time.Hour

const (
	minVisibility  = 2 * time.Second // an extension must fit into half of it
	maxConcurrency = 10_000          // far below maxInFlight
	maxInFlight    = 120_000         // SQS's limit of received messages of a queue
)

// Config is the configuration of a [Consumer]. QueueURL, Keys and Handler are
// required. The zero value of every other field is valid.
type Config struct {
	// QueueURL is the URL of the queue. A queue whose name ends in .fifo is a FIFO
	// queue.
	QueueURL string
	// Keys verify the messages' signatures.
	Keys *signature.Keyring
	// Handler is called for each event, and for up to Concurrency events at once.
	Handler events.Handler

	// Concurrency is how many messages are handled at once, 1 to 10,000. Zero
	// means DefaultConcurrency. See [Consumer.SetConcurrency].
	Concurrency int
	// VisibilityTimeout is the length of a lease: how long a message stays invisible
	// after this process has died. A lease is extended while the handler runs, so it
	// may be shorter than a call of the handler. Whole seconds from 2 s to 12 h. Zero
	// means DefaultVisibilityTimeout.
	VisibilityTimeout time.Duration
	// HandlerTimeout is the time limit of one call of the handler, after which its
	// context ends. Zero means DefaultHandlerTimeout.
	HandlerTimeout time.Duration
	// ShutdownTimeout is how long running handlers may take once Run's context has
	// ended. Run needs up to 4 s more to settle their messages. Zero means
	// DefaultShutdownTimeout.
	ShutdownTimeout time.Duration

	// MaxHeld is how many messages may be held: those for which the handler returned an
	// error of [events.Hold], and those that wait for an earlier message of their group
	// or call. Zero means DefaultMaxHeld. SQS allows 120,000 messages in flight for each
	// queue.
	MaxHeld int
	// MaxHeldBytes limits the size of the held messages' bodies. Zero means
	// DefaultMaxHeldBytes.
	MaxHeldBytes int
	// Blocked, unless nil, reports whether no event could be handled now. It is asked
	// only while no further message can be held. Then nothing is received while it
	// returns true; otherwise a message that would have to be held is returned to the
	// queue, with a delay that grows from minutes to hours.
	Blocked func() bool

	// OrderByCall handles the events of one call, those with the same Event.ID, one at
	// a time. Events that wait are handled in the order of their times. Other calls
	// don't wait. A standard queue has no order, so an event may still be received
	// after a later one was handled. On a FIFO queue, where the messages of a group are
	// always handled in order, OrderByCall has no effect.
	OrderByCall bool

	// OnRejected says what to do with rejected and malformed messages. The zero value
	// is Leave.
	OnRejected RejectedPolicy
	// QuarantineQueueURL is the queue that OnRejected Quarantine sends them to.
	QuarantineQueueURL string

	// Logger writes the log. Nil means none. Bodies, signatures and secrets are
	// never logged.
	Logger *zap.Logger
	// Observe, unless nil, is called once for every message that has an outcome, as
	// soon as it is known. It is called from many goroutines at once and must not
	// block or end its goroutine. If it panics, that is logged, and the message is
	// settled. A message has no outcome if it is returned without a call of the handler:
	// because Run stops, or an earlier message of its group failed.
	Observe func(Result)
	// Tracer, unless nil, starts a span for every message that has an outcome,
	// which lasts from its receive to the outcome. The handler's context has the
	// span, so that spans that the handler starts are its children.
	Tracer trace.Tracer
}

// A RejectedPolicy says what to do with rejected and malformed messages.
type RejectedPolicy uint8

const (
	// Leave neither deletes the message nor returns it. It becomes visible when
	// its lease ends, until the queue's redrive policy moves it to the dead-letter
	// queue. On a FIFO queue it is returned instead, so that its group continues.
	Leave RejectedPolicy = iota
	// Quarantine sends the message to another queue, unchanged and with its
	// X-SIGNATURE, and then deletes it. The String attributes WILDIX-OUTCOME,
	// WILDIX-REASON and WILDIX-MESSAGE-ID say why, unless they make the message
	// too large for SQS. A message that can't be sent is left. A message may be
	// sent more than once.
	Quarantine
	// Delete deletes the message. With a wrong signing secret, this loses every
	// event.
	Delete
)

// withDefaults replaces zero values by their defaults.
func (cfg Config) withDefaults() Config {
	setDefault(&cfg.Concurrency, DefaultConcurrency)
	setDefault(&cfg.VisibilityTimeout, DefaultVisibilityTimeout)
	setDefault(&cfg.HandlerTimeout, DefaultHandlerTimeout)
	setDefault(&cfg.ShutdownTimeout, DefaultShutdownTimeout)
	setDefault(&cfg.MaxHeld, DefaultMaxHeld)
	setDefault(&cfg.MaxHeldBytes, DefaultMaxHeldBytes)
	if cfg.Blocked == nil {
		cfg.Blocked = func() bool { return false }
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	return cfg
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate returns nil, or an error that joins an *[events.FieldError] for each invalid
// field.
func (cfg Config) Validate() error {
	cfg = cfg.withDefaults()
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, &events.FieldError{Field: field, Err: fmt.Errorf(format, args...)})
	}
	if err := CheckQueueURL(cfg.QueueURL); err != nil {
		fault("QueueURL", "%w", err)
	}
	if cfg.Keys.Len() == 0 {
		fault("Keys", "required, with at least one key, to verify messages")
	}
	if err := events.CheckHandler(cfg.Handler); err != nil {
		fault("Handler", "%w", err)
	}
	if err := checkConcurrency(cfg.Concurrency); err != nil {
		fault("Concurrency", "%w", err)
	}
	if v := cfg.VisibilityTimeout; v < minVisibility || v > maxVisibility || v%time.Second != 0 {
		fault("VisibilityTimeout", "%s is not whole seconds from 2s to 12h, the most SQS allows", v)
	}
	if cfg.HandlerTimeout < 0 || cfg.HandlerTimeout > maxVisibility {
		fault("HandlerTimeout", "%s is not between 0s and 12h, the longest that SQS keeps a message invisible", cfg.HandlerTimeout)
	}
	if cfg.MaxHeld < 0 || cfg.MaxHeld > maxInFlight {
		fault("MaxHeld", "%d is not between 1 and %d, as many as SQS allows in flight", cfg.MaxHeld, maxInFlight)
	}
	if cfg.MaxHeldBytes < 0 {
		fault("MaxHeldBytes", "%d is negative", cfg.MaxHeldBytes)
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
		return errors.New("set, but rejected messages do not go to quarantine")
	case cfg.OnRejected != Quarantine:
		return nil
	}
	if err := CheckQueueURL(cfg.QuarantineQueueURL); err != nil {
		return err
	}
	// One client sends to both, so the same path is the same queue, whatever the host.
	// Its messages would be quarantined again and again.
	if queuePath(cfg.QuarantineQueueURL) == queuePath(cfg.QueueURL) {
		return errors.New("the same as the queue that is consumed; set another one")
	}
	return nil
}

func checkConcurrency(n int) error {
	if n < 1 || n > maxConcurrency {
		return fmt.Errorf("%d is not between 1 and %d", n, maxConcurrency)
	}
	return nil
}
