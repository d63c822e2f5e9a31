// Package preview describes what a destination would send for an event, for a person to read.
// It sends and opens nothing, and shows no secret.
package preview

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"wildix-worker/events"
	"wildix-worker/events/handlers/email"
	"wildix-worker/events/handlers/forward"
	loghandler "wildix-worker/events/handlers/log"
)

// A Preview is what would be sent. Body is the event or what a template makes of it.
type Preview struct {
	Method  string   `json:"method,omitempty"`
	Host    string   `json:"host,omitempty"`
	Headers []Header `json:"headers,omitempty"`
	Command []string `json:"command,omitempty"`
	From    string   `json:"from,omitempty"`
	To      []string `json:"to,omitempty"`
	Subject string   `json:"subject,omitempty"`
	Target  string   `json:"target,omitempty"` // a queue, a topic, a bus or a database
	Body    string   `json:"body"`
}

// A Header is a header or an attribute of a message.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Func returns what would be sent for an event. Its error is that of the template, or
// [events.ErrNoHandler] if nothing is sent.
type Func func(context.Context, *events.Event) (Preview, error)

const (
	hidden    = "(hidden)"
	signature = "X-Signature"
)

// shown are the headers whose values are no secrets. All others are hidden.
var shown = []string{"Content-Type", "Idempotency-Key", "X-Wildix-Event", "X-Wildix-Receive-Count", "X-Wildix-Replay"}

// HTTP previews the requests of a handler that has this configuration.
func HTTP(h *forward.Handler, cfg forward.Config) Func {
	return func(ctx context.Context, e *events.Event) (Preview, error) {
		req, err := h.Request(ctx, e)
		if err != nil {
			return Preview{}, err
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return Preview{}, err
		}
		p := Preview{Method: req.Method, Host: req.URL.Host, Headers: headers(req.Header, cfg.Header), Body: string(body)}
		if cfg.Secret != "" || cfg.Template == nil {
			p.sign(signature, e, cfg.Secret)
		}
		return p, nil
	}
}

// headers returns headers by name, without the signature. configured are those of the
// configuration, which may be secret.
func headers(all, configured http.Header) (list []Header) {
	for name, values := range all {
		switch {
		case name == signature:
			continue
		case name == "User-Agent" && configured.Get(name) == "", slices.Contains(shown, name):
			list = append(list, Header{name, strings.Join(values, ", ")})
		default:
			list = append(list, Header{name, hidden})
		}
	}
	slices.SortFunc(list, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// sign adds who signs the body, if it has a signature. An event that the worker derives has
// none of the PBX.
func (p *Preview) sign(name string, e *events.Event, secret string) {
	switch {
	case secret != "":
		p.Headers = append(p.Headers, Header{name, "(signed with the secret of the destination)"})
	case e.Type != events.CallFinished:
		p.Headers = append(p.Headers, Header{name, "(the signature of the PBX)"})
	}
}

// Command previews a program.
func Command(args []string) Func {
	return func(_ context.Context, e *events.Event) (Preview, error) {
		return Preview{Command: args, Body: string(e.Raw)}, nil
	}
}

// Email previews the mails of a handler.
func Email(h *email.Handler, from string, to []string) Func {
	return func(ctx context.Context, e *events.Event) (Preview, error) {
		m, err := h.Message(ctx, e)
		if err != nil {
			return Preview{}, err
		}
		return Preview{From: from, To: to, Subject: m.Subject, Body: m.Text}, nil
	}
}

// Message previews the messages of a queue or a topic.
func Message(target, secret string) Func {
	return func(_ context.Context, e *events.Event) (Preview, error) {
		p := Preview{Target: target, Headers: []Header{{"X-Wildix-Event", e.Type}}, Body: string(e.Raw)}
		if e.Replay {
			p.Headers = append(p.Headers, Header{"X-Wildix-Replay", "true"})
		}
		p.sign("X-SIGNATURE", e, secret)
		return p, nil
	}
}

// Bus previews the events of a bus.
func Bus(target, source string) Func {
	return func(_ context.Context, e *events.Event) (Preview, error) {
		return Preview{Target: target, Headers: []Header{{"source", source}, {"detail-type", e.Type}}, Body: string(e.Raw)}, nil
	}
}

// Database previews what a database gets: the event as it is.
func Database() Func {
	return func(_ context.Context, e *events.Event) (Preview, error) {
		return Preview{Target: "the database", Body: string(e.Raw)}, nil
	}
}

// Log previews the line of the log handler.
func Log(mask bool) Func {
	return func(ctx context.Context, e *events.Event) (Preview, error) {
		var line bytes.Buffer
		err := loghandler.New(&line, mask).HandleEvent(ctx, e)
		return Preview{Body: strings.TrimSuffix(line.String(), "\n")}, err
	}
}
