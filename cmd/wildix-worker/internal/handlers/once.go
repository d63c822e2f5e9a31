package handlers

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/oncetable"
	"wildix-worker/events"
	"wildix-worker/events/once"
)

// Once holds the settings of the records that keep handlers from handling an event twice.
type Once struct {
	OnceTable       string          `placeholder:"TABLE" env:"WILDIX_ONCE_TABLE" help:"The DynamoDB table in which workers record which handler has handled which event. Without it, each worker records that in memory."`
	OnceWindow      config.Duration `placeholder:"720h" env:"WILDIX_ONCE_WINDOW" help:"How long these records are kept."`
	OnceUnreachable unreachable     `placeholder:"wait" env:"WILDIX_ONCE_UNREACHABLE" help:"What happens to events while the table can't be reached: wait, or at-least-once (they are handled, perhaps twice)." values:"wait,at-least-once"`
}

// unreachable is what happens to events while the table can't be reached.
type unreachable struct {
	value once.Policy
	set   bool
	err   error
}

// UnmarshalText never fails; see err.
func (u *unreachable) UnmarshalText(text []byte) error {
	*u = unreachable{set: len(text) > 0}
	switch string(text) {
	case "", "wait":
	case "at-least-once":
		u.value = once.AtLeastOnce
	default:
		u.err = fmt.Errorf("%q is not wait or at-least-once", text)
	}
	return nil
}

func (s *Once) checkOnce(faults *config.Faults) {
	faults.Add("--once-table (WILDIX_ONCE_TABLE)", oncetable.CheckName(s.OnceTable))
	faults.Add("--once-window (WILDIX_ONCE_WINDOW)", s.OnceWindow.Err)
	err := s.OnceUnreachable.err
	if err == nil && s.OnceUnreachable.set && s.OnceTable == "" {
		err = errors.New("needs --once-table (WILDIX_ONCE_TABLE)")
	}
	faults.Add("--once-unreachable (WILDIX_ONCE_UNREACHABLE)", err)
}

// dedup keeps handlers from handling the same event twice.
type dedup struct {
	settings Once
	queueURL string // names the table's region if the environment does not
	log      *zap.Logger

	cfg   once.Config                  // without a name; set by open
	known map[string]events.Middleware // by name of the handler, with what it has handled
}

// open connects to the table, if there is one.
func (d *dedup) open(ctx context.Context) error {
	d.known = make(map[string]events.Middleware)
	d.cfg = once.Config{
		OnUnreachable: d.settings.OnceUnreachable.value,
		Window:        d.settings.OnceWindow.Duration,
		Logger:        d.log,
	}
	if name := d.settings.OnceTable; name != "" {
		table, err := oncetable.Open(ctx, name, d.queueURL)
		if err != nil {
			return err
		}
		if err := oncetable.Check(ctx, table, name, d.log); err != nil {
			return err
		}
		d.cfg.Shared = table
	}
	return nil
}

// wrap wraps a handler. What one of that name has handled before, such as before a change of
// the configuration, is not handled again.
func (d *dedup) wrap(name string, h events.Handler) (events.Handler, error) {
	middleware, ok := d.known[name]
	if !ok {
		cfg := d.cfg
		cfg.Name = name
		var err error
		if middleware, err = once.New(cfg); err != nil {
			return nil, err
		}
		d.known[name] = middleware
	}
	return middleware(h), nil
}
