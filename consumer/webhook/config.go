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

// What a Config's zero values stand for.
const (
	DefaultMaxBody         = events.MaxSize
	DefaultConcurrency     = consumer.DefaultConcurrency
	DefaultMaxInFlight     = 1024
	DefaultMaxConnections  = 1024
	DefaultAnswerWithin    = 4500 * time.Millisecond
	DefaultShutdownTimeout = consumer.DefaultShutdownTimeout
)

const (
	// senderPatience is how long a PBX waits for an answer.
	senderPatience = 5 * time.Second
	// mostAtOnce is the most of anything at once: a mistyped setting is more
	// likely than a machine that can take more.
	mostAtOnce = 100_000
)

// Config says how to receive. Keys and Handler are required; the zero value of
// everything else stands for a default.
type Config struct {
	// Keys verify the signatures of the requests.
	Keys *signature.Keyring
	// Handler gets the events, Concurrency of them at once: yours, or a Relay.
	Handler events.Handler

	// MaxBody is the largest body in bytes, at most events.MaxSize. Zero means
	// DefaultMaxBody.
	MaxBody int
	// Concurrency is how many events are with the handler at once. Zero means
	// DefaultConcurrency.
	Concurrency int
	// MaxInFlight is how many requests are looked at at once; more are answered
	// 503. Zero means DefaultMaxInFlight.
	MaxInFlight int
	// AnswerWithin is when a request is answered at the latest, counted from its
	// header, and so the limit for one call of the handler. Less than 5 s, after
	// which a PBX takes the request for failed. Zero means DefaultAnswerWithin.
	AnswerWithin time.Duration
	// ShutdownTimeout is how long Serve waits for running handlers once its
	// context ends. Zero means DefaultShutdownTimeout.
	ShutdownTimeout time.Duration

	// MaxConnections is how many connections Serve keeps open; more wait until
	// the system accepts them. Zero means DefaultMaxConnections.
	MaxConnections int
	// TLS, unless nil, makes Serve speak HTTPS, HTTP/2 included. A Certificate
	// reads it from files.
	TLS *tls.Config

	// Logger gets what the receiver has to say. Nil means silence. Bodies,
	// signatures and secrets are never logged.
	Logger *zap.Logger
	// Observe, unless nil, is called once for every request that was handled or
	// turned away, as soon as its outcome is known. It is called from many
	// goroutines at once and must not block. Requests that came to nothing
	// before they could be verified, and those that were refused for want of
	// room, have no outcome.
	Observe func(consumer.Result)
	// Tracer, unless nil, gets a span for every request that has an outcome. The
	// handler's context has that of the request which began its call, so that spans
	// which the handler begins are its children.
	Tracer trace.Tracer
}

// withDefaults fills in what the zero values stand for.
func (cfg Config) withDefaults() Config {
	setDefault(&cfg.MaxBody, DefaultMaxBody)
	setDefault(&cfg.Concurrency, DefaultConcurrency)
	setDefault(&cfg.MaxInFlight, DefaultMaxInFlight)
	setDefault(&cfg.AnswerWithin, DefaultAnswerWithin)
	setDefault(&cfg.ShutdownTimeout, DefaultShutdownTimeout)
	setDefault(&cfg.MaxConnections, DefaultMaxConnections)
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.Observe == nil {
		cfg.Observe = func(consumer.Result) {}
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
	if cfg.Keys == nil {
		fault("Keys", "required; without them no event can be verified")
	}
	if cfg.Handler == nil {
		fault("Handler", "required")
	}
	if cfg.MaxBody < 1 || cfg.MaxBody > events.MaxSize {
		fault("MaxBody", "%d is not between 1 and %d bytes", cfg.MaxBody, events.MaxSize)
	}
	atOnce := func(field string, n int) {
		if n < 1 || n > mostAtOnce {
			fault(field, "%d is not between 1 and %d", n, mostAtOnce)
		}
	}
	atOnce("Concurrency", cfg.Concurrency)
	atOnce("MaxInFlight", cfg.MaxInFlight)
	atOnce("MaxConnections", cfg.MaxConnections)
	if cfg.AnswerWithin < 0 || cfg.AnswerWithin >= senderPatience {
		fault("AnswerWithin", "%s is not more than 0s and less than 5s, when a PBX takes the request for failed", cfg.AnswerWithin)
	}
	if cfg.ShutdownTimeout < 0 {
		fault("ShutdownTimeout", "%s is negative", cfg.ShutdownTimeout)
	}
	return errors.Join(faults...)
}
