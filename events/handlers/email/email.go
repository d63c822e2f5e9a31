// Package email sends events as mail, one mail an event:
//
//	h, err := email.New(email.Config{
//		URL:      "smtps://calls@mail.example.com",
//		Password: password,
//		From:     "Calls <calls@example.com>",
//		To:       []string{"sales@example.com", "Reception <reception@example.com>"},
//	})
//	...
//	mux.Handle("call:finished", h)
//
// # The mail
//
// [Config].Render makes subject and text, for example with a template ([FromTemplate]).
// Without it, the mail is a [CallSummary] of a call that has ended, and other events are
// ignored. The best event for that is call:finished, which has the whole call.
//
// All recipients get the same mail. Its headers are From, To, Subject, Date, Message-ID and
// Auto-Submitted: auto-generated, so that no out-of-office message answers. Control
// characters in a subject become spaces: no event can add a header. The Message-ID is made
// of the event's delivery key, From and To. It is the same each time the event is sent, so
// that mail systems can recognize a repeat: there is one if the connection is lost after the
// server has taken the mail.
//
// # The connection
//
// Each mail has a connection of its own, closed afterwards. Many providers limit those of a
// user, to three for example: give the destination in package route that Concurrency.
//
// The scheme of [Config].URL says how the connection is encrypted: smtps uses TLS from the
// start, usually on port 465, and smtp uses STARTTLS, usually on port 587. A server without
// STARTTLS, or with a certificate that is not valid for its name, gets neither the password
// nor the mail. TLS 1.2 is the oldest version. Only to a loopback address can mail be sent in
// clear: smtp://localhost:25?tls=off, for a mail system on this machine.
//
// The login is by PLAIN, LOGIN, SCRAM-SHA-256 or CRAM-MD5, the first that the server offers.
// Where a provider wants OAuth, create an app password or use its relay.
//
// # Errors
//
// A mail whose content the server refuses (a reply of 5xx to DATA) is [events.Permanent]. If
// the server says that it can take no mail now (421, or 4xx before a mail has begun, or 4xx
// with an enhanced code of 4.3.x), it is [events.Unavailable] for a minute. All other
// failures may be retried: no connection, 4xx for one mail such as by greylisting, and also
// 5xx at the login, for the sender or a recipient, since those are the same for every event
// and can be corrected while the events wait. If one recipient is refused, nobody gets the
// mail, so that none gets it twice. The handler does not retry; package route does.
//
// Errors contain the server's reply, but not one to the content, which may quote it.
package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"wildix-worker/events"
)

// A Handler sends mails by one server.
type Handler struct {
	account account
	from    *mail.Address
	to      []*mail.Address
	render  func(context.Context, *events.Event) (Message, error)
	timeout time.Duration
}

// New returns a handler, or an error that joins an *[events.FieldError] for each invalid
// field. It connects when the first event comes.
func New(cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	target, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err // not reached: Validate has parsed it
	}
	h := &Handler{
		account: account{
			server: target.server, user: target.user, password: cfg.Password,
			tls: &tls.Config{ServerName: target.server.host, RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		},
		render: cfg.Render, timeout: cfg.Timeout,
	}
	h.from, _ = parseAddress(cfg.From) // checked by Validate, like the others
	for _, text := range cfg.To {
		to, _ := parseAddress(text)
		h.to = append(h.to, to)
	}
	return h, nil
}

// HandleEvent returns nil when the server has accepted the mail for all recipients. It
// returns [events.ErrNoHandler] if Render does, or if subject and text are empty, and sends
// nothing then.
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	message, err := h.message(limited, e)
	switch {
	case err == events.ErrNoHandler: //nolint:errorlint // a wrapped one is a failure
		return err
	case err != nil:
		return fmt.Errorf("email: %w", err)
	}
	content, err := compose(h.from, h.to, e, message)
	if err == nil {
		err = h.send(limited, content)
	}
	if failed, ok := errors.AsType[*stepError](err); ok {
		err = failed.result()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		err = context.Cause(ctx)
	}
	return fmt.Errorf("email by %s: %w", h.account.server.address(), err)
}

// Message returns the mail that HandleEvent sends for an event, and sends nothing. Its errors
// are those of Render, and [events.ErrNoHandler] if subject and text are empty.
func (h *Handler) Message(ctx context.Context, e *events.Event) (Message, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	m, err := h.message(ctx, e)
	m.Subject = oneLine(m.Subject, maxSubject)
	return m, err
}

func (h *Handler) message(ctx context.Context, e *events.Event) (Message, error) {
	m, err := h.render(ctx, e)
	if err == nil && m.isEmpty() {
		return Message{}, events.ErrNoHandler
	}
	return m, err
}

// Check returns an error if mail can't be sent: it connects, logs in, and names the sender
// and the recipients to the server, but sends nothing. It does not report a recipient that
// the server refuses for now (4xx), as it does with greylisting.
func (h *Handler) Check(ctx context.Context) error {
	if err := h.check(ctx); err != nil {
		return fmt.Errorf("email by %s: %w", h.account.server.address(), err)
	}
	return nil
}

func (h *Handler) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	s, err := h.account.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	err = s.envelope(h.from, h.to)
	if refused, ok := errors.AsType[*stepError](err); ok && refused.step == recipientStep && refused.code/100 == 4 && refused.code != goingAway {
		return nil
	}
	return err
}

// send sends a mail on a new connection.
func (h *Handler) send(ctx context.Context, content []byte) error {
	s, err := h.account.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.envelope(h.from, h.to); err != nil {
		return err
	}
	return s.content(content)
}
