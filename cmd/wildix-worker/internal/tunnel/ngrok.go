package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.ngrok.com/ngrok/v2"

	"wildix-worker/cmd/wildix-worker/internal/exit"
)

// An ngrokTunnel is a tunnel of https://ngrok.com, by its own library, which opens a session
// again that was lost.
type ngrokTunnel struct {
	token   string
	to      string
	options []ngrok.AgentOption // of a test
}

// open forwards requests until ctx ends or there is no session.
func (n *ngrokTunnel) open(ctx context.Context, s *state) error {
	agent, err := ngrok.NewAgent(append([]ngrok.AgentOption{
		ngrok.WithAuthtoken(n.token),
		ngrok.WithLogger(slog.New(slog.DiscardHandler)), // the state logs what matters
		ngrok.WithEventHandler(func(e ngrok.Event) { follow(ctx, s, e) }),
	}, n.options...)...)
	if err != nil {
		return err
	}
	defer func() { _ = agent.Disconnect() }()
	forwarder, err := agent.Forward(ctx, ngrok.WithUpstream("http://"+n.to))
	if refused, ok := errors.AsType[ngrok.Error](err); ok { // such as for its token
		return &exit.UsageError{Err: fmt.Errorf("%s: ngrok refuses it with %s: %w", tunnelFlag, refused.Code(), err)}
	}
	if err != nil {
		return err
	}
	s.opened(forwarder.URL().String())
	select {
	case <-forwarder.Done():
		return errors.New("the session has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow records what happens to a session after the first.
func follow(ctx context.Context, s *state, e ngrok.Event) {
	switch e := e.(type) {
	case *ngrok.EventAgentConnectSucceeded:
		s.reopened()
	case *ngrok.EventAgentDisconnected:
		if e.Error != nil && ctx.Err() == nil {
			s.lost(e.Error)
		}
	}
}
