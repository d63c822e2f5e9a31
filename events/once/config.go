package once

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// Defaults of a [Config].
const (
	// DefaultWindow covers the 14 days that SQS keeps a message, and 14 more after it
	// was moved back from a dead-letter queue.
	DefaultWindow = 30 * 24 * time.Hour
	DefaultKeys   = 100_000
)

// Config configures the middleware of one handler. Name is required; the zero value
// of every other field means a default.
type Config struct {
	// Name identifies the handler. Each handler needs its own name and middleware, since
	// each remembers its own events. If the name changes, all events are new again.
	Name string
	// Shared is the store that this process shares with others, and that outlives it.
	// Nil means that only this process remembers.
	Shared Store
	// OnUnreachable says what to do with events while Shared can't be reached. The zero
	// value is Wait.
	OnUnreachable Policy
	// Window is how long a handled event is remembered. Zero means DefaultWindow.
	Window time.Duration
	// Keys is how many events, the newest ones, this process remembers in its own
	// memory. Zero means DefaultKeys.
	Keys int
	// Logger logs when Shared can't be reached, and when it can again. Nil means no
	// log.
	Logger *zap.Logger
}

// A Policy says what to do with events while the shared store can't be reached.
type Policy uint8

const (
	// Wait fails the event before its handler is called, so that it is delivered again.
	Wait Policy = iota
	// AtLeastOnce calls the handler, unless this process itself remembers the event.
	AtLeastOnce
)

func (cfg Config) withDefaults() Config {
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.Keys == 0 {
		cfg.Keys = DefaultKeys
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	return cfg
}

// Validate returns nil, or an error that joins an *[events.FieldError] for each
// invalid field.
func (cfg Config) Validate() error {
	var faults []error
	fault := func(field string, err error) {
		faults = append(faults, &events.FieldError{Field: field, Err: err})
	}
	if cfg.Name == "" {
		fault("Name", errors.New("required; it identifies the handler"))
	}
	if cfg.OnUnreachable > AtLeastOnce {
		fault("OnUnreachable", fmt.Errorf("%d is not Wait or AtLeastOnce", cfg.OnUnreachable))
	}
	if cfg.Window < 0 {
		fault("Window", fmt.Errorf("%s is negative", cfg.Window))
	}
	if cfg.Keys < 0 || cfg.Keys > math.MaxInt32 {
		fault("Keys", fmt.Errorf("%d is not between 1 and %d", cfg.Keys, math.MaxInt32))
	}
	return errors.Join(faults...)
}
