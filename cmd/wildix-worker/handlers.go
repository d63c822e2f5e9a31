package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/tracing"
	"wildix-worker/consumer/metrics"
	"wildix-worker/events"
	loghandler "wildix-worker/events/handlers/log"
)

// handlerSettings choose the handlers, and say what each of them needs.
type handlerSettings struct {
	Handlers        string `default:"log" env:"WILDIX_HANDLERS" help:"The handlers that run, in order, with commas between: log, command, forward, store." values:"log,command,forward,store"`
	Mask            bool   `env:"WILDIX_MASK" help:"The log handler hides all but the last two digits of phone numbers."`
	commandSettings `embed:""`
	Forward         forwardSettings `embed:"" prefix:"forward-"`
	storeSettings   `embed:""`
	onceSettings    `embed:""`
}

// A link is a handler of the chain. What it depends on is not touched before
// open; open and close are nil where there is nothing to do.
type link struct {
	name    string
	handler events.Handler
	open    func(context.Context) error
	close   func() error
}

// builders make the links by name.
var builders = []struct {
	name  string
	build func(s *handlerSettings, log *zap.Logger, wrong *faults) link
}{
	{"log", (*handlerSettings).log},
	{"command", (*handlerSettings).command},
	{"forward", (*handlerSettings).forward},
	{"store", (*handlerSettings).store},
}

func (s *handlerSettings) log(*zap.Logger, *faults) link {
	return link{handler: loghandler.New(os.Stdout, s.Mask)}
}

// chain makes the handlers that the settings name. The URL of the queue, if there is
// one, tells the region.
func (s *handlerSettings) chain(queueURL string, log *zap.Logger, wrong *faults) *handlerChain {
	s.onceSettings.check(wrong)
	c := &handlerChain{log: log, remember: &remembrance{settings: s.onceSettings, queueURL: queueURL, log: log}}
	var tracingFaults []error
	c.tracing, tracingFaults = tracing.FromEnvironment()
	for _, err := range tracingFaults {
		*wrong = append(*wrong, err.Error())
	}
	for _, name := range commaSeparated(s.Handlers) {
		l, err := s.link(name, log, wrong)
		if err == nil && slices.ContainsFunc(c.links, func(other link) bool { return other.name == name }) {
			err = fmt.Errorf("%q is there twice", name)
		}
		if err != nil {
			wrong.add("--handlers (WILDIX_HANDLERS)", err)
			continue
		}
		c.links = append(c.links, l)
	}
	c.idle = s.idle(c.links)
	return c
}

// idle names the settings of handlers that are not in the chain: most likely it was
// forgotten to name them.
func (s *handlerSettings) idle(links []link) (settings []string) {
	for _, set := range []struct{ handler, variable, value string }{
		{"command", "WILDIX_COMMAND", s.Command},
		{"forward", forwardURL, os.Getenv(forwardURL)},
	} {
		named := slices.ContainsFunc(links, func(l link) bool { return l.name == set.handler })
		if set.value != "" && !named {
			settings = append(settings, set.variable)
		}
	}
	return settings
}

// commaSeparated splits a list.
func commaSeparated(text string) (items []string) {
	for item := range strings.SplitSeq(text, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}

func (s *handlerSettings) link(name string, log *zap.Logger, wrong *faults) (link, error) {
	var names []string
	for _, b := range builders {
		if b.name == name {
			l := b.build(s, log, wrong)
			l.name = name
			return l, nil
		}
		names = append(names, b.name)
	}
	return link{}, fmt.Errorf("%q is no handler; there is %s", name, strings.Join(names, ", "))
}

// A handlerChain is the handlers that run, in order. It takes events once it is open.
type handlerChain struct {
	events.Handler
	log      *zap.Logger
	links    []link
	remember *remembrance // what each has done; nil if repeats are let through
	tracing  tracing.Settings
	traces   *tracing.Tracing // nil before open, and if tracing is off
	idle     []string         // settings of other handlers
}

// open makes the handlers ready for events, and has them measured and traced.
func (c *handlerChain) open(ctx context.Context, m *metrics.Metrics) (err error) {
	defer func() {
		if ctx.Err() != nil { // stopped before it had begun
			err = nil
		}
	}()
	for _, setting := range c.idle {
		c.log.Warn("setting of a handler that WILDIX_HANDLERS does not name", zap.String("setting", setting))
	}
	if c.traces, err = tracing.Start(ctx, c.tracing, version(), c.log); err != nil {
		return err
	}
	remember := func(_ string, h events.Handler) (events.Handler, error) { return h, nil }
	if c.remember != nil {
		if remember, err = c.remember.open(ctx); err != nil {
			return err
		}
	}
	var handlers []events.Handler
	for _, l := range c.links {
		if l.open != nil {
			if err := l.open(ctx); err != nil {
				return fmt.Errorf("handler %s: %w", l.name, err)
			}
		}
		h, err := remember(l.name, c.traces.Handler(l.name)(m.Handler(l.name)(l.handler)))
		if err != nil {
			return fmt.Errorf("handler %s: %w", l.name, err)
		}
		handlers = append(handlers, h)
	}
	c.Handler = events.Chain(handlers...)
	return nil
}

// close lets go of what open took, the last first.
func (c *handlerChain) close() error {
	var failures []error
	for _, l := range slices.Backward(c.links) {
		if l.close == nil {
			continue
		}
		if err := l.close(); err != nil {
			failures = append(failures, fmt.Errorf("handler %s: %w", l.name, err))
		}
	}
	c.traces.Stop()
	return errors.Join(failures...)
}
