package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/consumer/metrics"
	"wildix-worker/events"
	loghandler "wildix-worker/events/handlers/log"
	"wildix-worker/events/once"
)

// handlerSettings choose the handlers, and say what each of them needs.
type handlerSettings struct {
	Handlers        string `default:"log" env:"WILDIX_HANDLERS" help:"The handlers that run, in order, with commas between: log, command, forward, store."`
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

// chain makes the handlers that the settings name.
func (s *handlerSettings) chain(log *zap.Logger, wrong *faults) *handlerChain {
	s.onceSettings.check(wrong)
	c := &handlerChain{once: &s.onceSettings, log: log}
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
	return c
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

// A handlerChain is the handlers that run, in order.
type handlerChain struct {
	links []link
	once  *onceSettings // nil if repeats are let through
	log   *zap.Logger

	chain events.Handler // since open
}

// HandleEvent gives the event to the handlers.
func (c *handlerChain) HandleEvent(ctx context.Context, e *events.Event) error {
	return c.chain.HandleEvent(ctx, e)
}

// open makes the handlers ready for events, and has them measured.
func (c *handlerChain) open(ctx context.Context, m *metrics.Metrics) error {
	for _, l := range c.links {
		if l.open == nil {
			continue
		}
		if err := l.open(ctx); err != nil {
			return fmt.Errorf("handler %s: %w", l.name, err)
		}
	}
	handlers := make([]events.Handler, len(c.links))
	for i, l := range c.links {
		handlers[i] = m.Handler(l.name)(l.handler)
	}
	if c.once != nil {
		memory, err := c.once.memory(ctx, c.log)
		if err != nil {
			return err
		}
		options := once.Options{Unreachable: c.once.OnceUnreachable.value, Logger: c.log}
		for i, l := range c.links {
			handlers[i] = once.New(l.name, memory, options)(handlers[i])
		}
	}
	c.chain = events.Chain(handlers...)
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
	return errors.Join(failures...)
}
