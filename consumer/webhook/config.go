package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// Defaults for the zero values of a Config.
const (
	DefaultMaxBody         = events.MaxSize
	DefaultConcurrency     = consumer.DefaultConcurrency
	DefaultMaxInFlight     = 1024
	DefaultMaxConnections  = 1024
	DefaultAnswerWithin    = 4500 * time.Millisecond
	DefaultIdleTimeout     = 11 * time.Minute
	DefaultShutdownTimeout = consumer.DefaultShutdownTimeout
)

const (
	// pbxTimeout is how long a PBX waits for an answer.
	pbxTimeout = 5 * time.Second
	// minMaxAge is more than the 20 s in which a PBX makes its tries.
	minMaxAge = time.Minute
	// maxLimit is the greatest value of a limit. A larger one is more likely a typo
	// than a machine that can take more.
	maxLimit = 100_000
)

// Config configures a Receiver. Keys and Handler are required; all other fields have
// a default.
type Config struct {
	// Keys verify the signatures of the requests.
	Keys *signature.Keyring
	// Handler handles the events. It may be a Relay.
	Handler events.Handler

	// MaxBody is the size of the largest body, in bytes; at most events.MaxSize.
	// Zero means DefaultMaxBody.
	MaxBody int
	// Concurrency is how many events are handled at once. Zero means
	// DefaultConcurrency.
	Concurrency int
	// MaxInFlight is how many requests are read or handled at once. Further ones
	// are answered 503. Zero means DefaultMaxInFlight.
	MaxInFlight int
	// AnswerWithin limits the time from a request's header to its answer, and so also
	// each call of the handler. It must be less than 5 s, after which a PBX considers
	// the request failed. Zero means DefaultAnswerWithin.
	AnswerWithin time.Duration
	// MaxAge rejects events whose signed time is longer ago, so that what somebody has
	// recorded can't be sent again later. It must allow for the tries of the PBX and the
	// difference of the clocks: at least a minute. Zero means no limit.
	MaxAge time.Duration
	// ShutdownTimeout is how long Serve waits for running handlers when its context
	// ends. Zero means DefaultShutdownTimeout.
	ShutdownTimeout time.Duration

	// MaxConnections is how many connections Serve keeps open, of which an eighth may have
	// shown no valid signature yet, but at least 16. For a further one, Serve closes the oldest of those, or
	// else the one that is idle for longest. If all are in use, it waits in the backlog of
	// the operating system. Zero means DefaultMaxConnections.
	MaxConnections int
	// IdleTimeout is how long Serve keeps a connection without a request, once that has
	// shown a valid signature. It should be longer than a proxy or load balancer keeps its
	// connections, so that this one closes first, and never sends a request on a connection
	// that is being closed here. Zero means DefaultIdleTimeout, which is longer than the
	// usual ones.
	IdleTimeout time.Duration
	// TLS makes Serve use HTTPS. A Certificate reads its
	// configuration from files. Nil means HTTP.
	TLS *tls.Config

	// Logger receives the log. Nil discards it. Bodies, signatures and secrets are
	// never logged.
	Logger *zap.Logger
	// Observe, unless nil, is called once for each request that has an outcome, as
	// soon as that is known. It is called from many goroutines at once and must not
	// block. If it panics or ends its goroutine, that is logged, and the request is
	// answered all the same. Requests that failed before they could be verified, or were refused
	// because of MaxInFlight, have no outcome.
	Observe func(consumer.Result)
	// Tracer, unless nil, starts a span for each request that has an outcome. The
	// handler's context carries the span of the request that started the call.
	Tracer trace.Tracer
}

// withDefaults replaces zero values by their defaults.
func (cfg Config) withDefaults() Config {
	setDefault(&cfg.MaxBody, DefaultMaxBody)
	setDefault(&cfg.Concurrency, DefaultConcurrency)
	setDefault(&cfg.MaxInFlight, DefaultMaxInFlight)
	setDefault(&cfg.AnswerWithin, DefaultAnswerWithin)
	setDefault(&cfg.ShutdownTimeout, DefaultShutdownTimeout)
	setDefault(&cfg.IdleTimeout, DefaultIdleTimeout)
	setDefault(&cfg.MaxConnections, DefaultMaxConnections)
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

// Validate reports every fault of the configuration at once. The error joins an
// *[events.FieldError] for each.
func (cfg Config) Validate() error {
	cfg = cfg.withDefaults()
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, &events.FieldError{Field: field, Err: fmt.Errorf(format, args...)})
	}
	if cfg.Keys.Len() == 0 {
		fault("Keys", "required, with at least one key, to verify events")
	}
	if err := events.CheckHandler(cfg.Handler); err != nil {
		fault("Handler", "%w", err)
	}
	if cfg.MaxBody < 1 || cfg.MaxBody > events.MaxSize {
		fault("MaxBody", "%d is not between 1 and %d bytes", cfg.MaxBody, events.MaxSize)
	}
	checkLimit := func(field string, n int) {
		if n < 1 || n > maxLimit {
			fault(field, "%d is not between 1 and %d", n, maxLimit)
		}
	}
	checkLimit("Concurrency", cfg.Concurrency)
	checkLimit("MaxInFlight", cfg.MaxInFlight)
	checkLimit("MaxConnections", cfg.MaxConnections)
	if cfg.AnswerWithin < 0 || cfg.AnswerWithin >= pbxTimeout {
		fault("AnswerWithin", "%s is not more than 0s and less than 5s, the timeout of a PBX", cfg.AnswerWithin)
	}
	if cfg.MaxAge != 0 && cfg.MaxAge < minMaxAge {
		fault("MaxAge", "%s is less than %s, so that a late try of a PBX would be rejected", cfg.MaxAge, minMaxAge)
	}
	if cfg.IdleTimeout < 0 {
		fault("IdleTimeout", "%s is negative", cfg.IdleTimeout)
	}
	if cfg.ShutdownTimeout < 0 {
		fault("ShutdownTimeout", "%s is negative", cfg.ShutdownTimeout)
	}
	return errors.Join(faults...)
}
