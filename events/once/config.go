package once

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// What a Config's zero values stand for.
const (
	// DefaultWindow covers the 14 days that SQS keeps a message, and as many
	// again after it was moved back from a dead-letter queue.
	DefaultWindow = 30 * 24 * time.Hour
	DefaultKeys   = 100_000
)

// Config says what to remember, and where. Name is required; the zero value of
// everything else stands for a default.
type Config struct {
	// Name is the handler's. What one handler has done says nothing about
	// another one, so each has a name and a middleware of its own. Another
	// name forgets all that was done under the first.
	Name string
	// Shared is what this process has in common with others and with its
	// successors. Nil means that it remembers alone.
	Shared Store
	// OnUnreachable says what becomes of events while Shared can't be
	// reached. The zero value lets them wait.
	OnUnreachable Policy
	// Window is how long an event that is done is remembered. Zero means
	// DefaultWindow.
	Window time.Duration
	// Keys is how many events this process remembers by itself. Zero means
	// DefaultKeys.
	Keys int
	// Logger is told when Shared can't be reached, and when it can again. Nil
	// means silence.
	Logger *zap.Logger
}

// A Policy is what becomes of events while the shared memory can't be reached.
type Policy uint8

const (
	// Wait fails the event before its handler is called.
	Wait Policy = iota
	// AtLeastOnce hands the event to its handler, unless this process knows
	// by itself that it need not.
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

// Validate reports every fault of the configuration at once: a nil error, or
// one that joins an *[events.FieldError] for each.
func (cfg Config) Validate() error {
	var faults []error
	fault := func(field string, err error) {
		faults = append(faults, &events.FieldError{Field: field, Err: err})
	}
	if cfg.Name == "" {
		fault("Name", errors.New("required; handlers are told apart by it"))
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
