// Package handlers builds the handlers that the settings name: each one measured, traced
// and kept from having its effect twice.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/tracing"
	"wildix-worker/consumer/metrics"
	"wildix-worker/events"
	loghandler "wildix-worker/events/handlers/log"
)

// Settings choose the handlers and configure each of them.
type Settings struct {
	Handlers        string `default:"log" env:"WILDIX_HANDLERS" help:"The handlers that run, in order, separated by commas: log, command, forward, store." values:"log,command,forward,store"`
	Mask            bool   `env:"WILDIX_MASK" help:"The log handler hides all but the last two digits of phone numbers."`
	commandSettings `embed:""`
	Forward         forwardSettings `embed:"" prefix:"forward-"`
	config.Store    `embed:""`
	Once            `embed:""`
}

// A namedHandler is a handler of the chain. Connect and close may be nil.
type namedHandler struct {
	events.Handler
	name    string
	connect func(context.Context) error // to what the handler needs
	close   func() error
}

// builders make the handlers by name.
var builders = []struct {
	name  string
	build func(s *Settings, log *zap.Logger, faults *config.Faults) namedHandler
}{
	{"log", (*Settings).log},
	{"command", (*Settings).command},
	{"forward", (*Settings).forward},
	{"store", (*Settings).store},
}

func (s *Settings) log(*zap.Logger, *config.Faults) namedHandler {
	return namedHandler{Handler: loghandler.New(os.Stdout, s.Mask)}
}

// New returns the handlers that the settings name, and adds what is wrong with the
// settings. The queue's URL is empty for the HTTP transport.
func New(s *Settings, queueURL string, log *zap.Logger, faults *config.Faults) *Chain {
	s.checkOnce(faults)
	c := &Chain{log: log, dedup: &dedup{settings: s.Once, queueURL: queueURL, log: log}}
	var tracingFaults []error
	c.tracing, tracingFaults = tracing.FromEnvironment()
	for _, err := range tracingFaults {
		*faults = append(*faults, err.Error())
	}
	for _, name := range splitCommas(s.Handlers) {
		h, err := s.build(name, log, faults)
		if err == nil && c.has(name) {
			err = fmt.Errorf("handler %q is named twice", name)
		}
		if err != nil {
			faults.Add("--handlers (WILDIX_HANDLERS)", err)
			continue
		}
		c.handlers = append(c.handlers, h)
	}
	c.unused = s.unused(c)
	return c
}

func (s *Settings) build(name string, log *zap.Logger, faults *config.Faults) (namedHandler, error) {
	var names []string
	for _, b := range builders {
		if b.name == name {
			h := b.build(s, log, faults)
			h.name = name
			return h, nil
		}
		names = append(names, b.name)
	}
	return namedHandler{}, fmt.Errorf("unknown handler %q (have %s)", name, strings.Join(slices.Sorted(slices.Values(names)), ", "))
}

// unused returns the settings of handlers that are not in the chain: most likely they were
// forgotten there.
func (s *Settings) unused(c *Chain) (settings []string) {
	for _, set := range []struct{ handler, variable, value string }{
		{"command", "WILDIX_COMMAND", s.Command},
		{"forward", forwardURL, os.Getenv(forwardURL)},
	} {
		if set.value != "" && !c.has(set.handler) {
			settings = append(settings, set.variable)
		}
	}
	return settings
}

// splitCommas splits a list.
func splitCommas(text string) (items []string) {
	for item := range strings.SplitSeq(text, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}

// A Chain is the handlers that run, in order. It takes events between Open and Close.
type Chain struct {
	events.Handler
	log      *zap.Logger
	handlers []namedHandler
	dedup    *dedup // nil if repeats are handled again
	tracing  tracing.Settings
	traces   *tracing.Tracing // nil before Open, and if tracing is off
	unused   []string         // settings of other handlers
}

// Only returns a chain of one handler in place of c, with the same log and tracing. It
// handles repeats again.
func (c *Chain) Only(name string, h events.Handler, closeHandler func() error) *Chain {
	return &Chain{
		log: c.log, tracing: c.tracing,
		handlers: []namedHandler{{Handler: h, name: name, close: closeHandler}},
	}
}

func (c *Chain) has(name string) bool {
	return slices.ContainsFunc(c.handlers, func(h namedHandler) bool { return h.name == name })
}

// Tracer returns the tracer, or nil if tracing is off. It is to be called after Open.
func (c *Chain) Tracer() trace.Tracer { return c.traces.Tracer() }

// Open makes the handlers ready for events. It returns nil if ctx ends before they are.
func (c *Chain) Open(ctx context.Context, m *metrics.Metrics, v buildinfo.Version) (err error) {
	defer func() {
		if ctx.Err() != nil { // stopped while starting
			err = nil
		}
	}()
	for _, setting := range c.unused {
		c.log.Warn("setting of a handler that WILDIX_HANDLERS does not name", zap.String("setting", setting))
	}
	if c.traces, err = tracing.Start(ctx, c.tracing, string(v), c.log); err != nil {
		return err
	}
	once := func(_ string, h events.Handler) (events.Handler, error) { return h, nil }
	if c.dedup != nil {
		if once, err = c.dedup.open(ctx); err != nil {
			return err
		}
	}
	var handlers []events.Handler
	for _, named := range c.handlers {
		if named.connect != nil {
			if err := named.connect(ctx); err != nil {
				return fmt.Errorf("handler %s: %w", named.name, err)
			}
		}
		h, err := once(named.name, c.traces.Handler(named.name)(m.Handler(named.name)(named.Handler)))
		if err != nil {
			return fmt.Errorf("handler %s: %w", named.name, err)
		}
		handlers = append(handlers, h)
	}
	c.Handler = events.Chain(handlers...)
	return nil
}

// Close closes the handlers, the last one first.
func (c *Chain) Close() error {
	var failures []error
	for _, h := range slices.Backward(c.handlers) {
		if h.close == nil {
			continue
		}
		if err := h.close(); err != nil {
			failures = append(failures, fmt.Errorf("handler %s: %w", h.name, err))
		}
	}
	c.traces.Stop()
	return errors.Join(failures...)
}
