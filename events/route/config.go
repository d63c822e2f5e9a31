package route

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// DefaultConcurrency is how many events a destination is called with at once, unless its
// Concurrency says otherwise.
const DefaultConcurrency = 64

// A Destination is a handler with a name, a selection of events and limits.
type Destination struct {
	// Name is the destination's name in errors, logs and statistics. It is required, and
	// no two destinations may have the same.
	Name string
	// Version tells [Router.Replace] whether a destination of that name has changed. It may
	// be empty.
	Version string
	// Handler gets the events. It is required.
	Handler events.Handler
	// On has the types of the events that the destination gets, such as "call:end", or
	// their prefixes, such as "call:*". If it is empty, the destination gets all types.
	On []string
	// When reports whether the destination gets an event whose type fits. It is called
	// once for each delivery of an event. Its error is a failure of the event at this
	// destination, whose handler is not called. If When is nil, the destination gets all.
	When func(e *events.Event) (bool, error)
	// Concurrency is how many events the handler is called with at once. If it is zero,
	// that is DefaultConcurrency. While the destination is down, up to eight probes may be
	// running besides.
	Concurrency int
	// Timeout ends the context of each call. If it is zero, only the context that the
	// Router is called with ends it.
	Timeout time.Duration
}

// Config is the configuration of a [Router].
type Config struct {
	// Destinations has at least one.
	Destinations []Destination
	// Logger gets one line when a destination goes down, one when it is up again, and one for
	// an event that fails at a destination while it is held for another. If it is nil, nothing
	// is logged.
	Logger *zap.Logger
}

// validate returns all faults, each a *[events.FieldError].
func (c Config) validate() error {
	if len(c.Destinations) == 0 {
		return fault("Destinations", "none, so every event would be deleted unhandled")
	}
	var faults []error
	names := make(map[string]int)
	for i, d := range c.Destinations {
		field := fmt.Sprintf("Destinations[%d].", i)
		faults = append(faults, d.validate(field))
		if first, ok := names[d.Name]; ok && d.Name != "" {
			faults = append(faults, fault(field+"Name", fmt.Sprintf("%q is also the name of Destinations[%d]", d.Name, first)))
			continue
		}
		names[d.Name] = i
	}
	return errors.Join(faults...)
}

func (d Destination) validate(field string) error {
	var faults []error
	if d.Name == "" {
		faults = append(faults, fault(field+"Name", "required"))
	}
	if err := events.CheckHandler(d.Handler); err != nil {
		faults = append(faults, fault(field+"Handler", err.Error()))
	}
	for _, pattern := range d.On {
		if i := strings.IndexByte(pattern, '*'); pattern == "" || i >= 0 && i < len(pattern)-1 {
			faults = append(faults, fault(field+"On", fmt.Sprintf("pattern %q: want a type, or a prefix and one * at its end", pattern)))
		}
	}
	if d.Concurrency < 0 {
		faults = append(faults, fault(field+"Concurrency", fmt.Sprintf("%d is negative", d.Concurrency)))
	}
	if d.Timeout < 0 {
		faults = append(faults, fault(field+"Timeout", fmt.Sprintf("%s is negative", d.Timeout)))
	}
	return errors.Join(faults...)
}

func fault(field, problem string) error {
	return &events.FieldError{Field: field, Err: errors.New(problem)}
}

// WantsType reports whether the destination's On has the type of an event.
func (d Destination) WantsType(eventType string) bool { return selection{on: d.On}.fitsType(eventType) }

// Wants reports whether the destination gets an event, as the Router decides it. If When
// fails or panics, it returns an error.
func (d Destination) Wants(e *events.Event) (bool, error) {
	fits, err := selection{d.On, d.When}.fits(e)
	return fits && err == nil, err
}

// selection is which events a destination gets.
type selection struct {
	on   []string
	when func(e *events.Event) (bool, error)
}

// fits reports whether the destination gets the event. It is true if there is an error. A
// panic of When is an error.
func (s selection) fits(e *events.Event) (bool, error) {
	if !s.fitsType(e.Type) {
		return false, nil
	}
	if s.when == nil {
		return true, nil
	}
	return s.fitsWhen(e)
}

func (s selection) fitsWhen(e *events.Event) (fits bool, err error) {
	_, err = events.Dispatch(context.Background(), events.HandlerFunc(func(context.Context, *events.Event) (err error) {
		if fits, err = s.when(e); err != nil {
			return fmt.Errorf("when: %w", err) // not ErrNoHandler or ErrDuplicate
		}
		return nil
	}), e)
	return fits || err != nil, err
}

func (s selection) fitsType(eventType string) bool {
	for _, pattern := range s.on {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		if pattern == eventType || isPrefix && strings.HasPrefix(eventType, prefix) {
			return true
		}
	}
	return len(s.on) == 0
}
