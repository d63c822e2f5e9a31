package email_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/email"
)

const password = "secret-of-the-test"

func decode(text string) string {
	b, _ := base64.StdEncoding.DecodeString(text)
	return string(b)
}

// handler returns a handler for the server, which is named localhost.
func (s *mailServer) handler(t testing.TB, change ...func(*email.Config)) *email.Handler {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	scheme := "smtp"
	if s.Implicit {
		scheme = "smtps"
	}
	cfg := email.Config{
		URL: scheme + "://calls@localhost:" + port, Password: password, RootCAs: s.roots,
		From: "Calls <calls@example.com>", To: []string{"sales@example.com", "Réception <reception@example.com>"},
		Render: func(context.Context, *events.Event) (email.Message, error) {
			return email.Message{Subject: "Missed call", Text: "From +12025550100\n.\nEnd"}, nil
		},
		Timeout: 10 * time.Second,
	}
	for _, f := range change {
		f(&cfg)
	}
	h, err := email.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func soon(cfg *email.Config) { cfg.Timeout = 100 * time.Millisecond }

func event(t testing.TB, body string) *events.Event {
	t.Helper()
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ended(t testing.TB) *events.Event {
	t.Helper()
	return event(t, `{"id":"call-1","type":"call:end","time":1693389853611,"data":{"status":"RINGING","caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada Example","company":"Example Ltd"},"callee":{"type":"LOCAL","name":"Sales","userExtension":"1001"},"queueName":"Support","endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"}}`)
}

// parse returns the headers and the decoded text of a mail.
func parse(t *testing.T, content string) (mail.Header, string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(content))
	if err != nil {
		t.Fatalf("%v in %q", err, content)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestMailArrives(t *testing.T) {
	for name, s := range map[string]*mailServer{
		"implicit TLS": {Implicit: true}, "STARTTLS": {}, "LOGIN": {Auth: "XOAUTH2 LOGIN"},
	} {
		t.Run(name, func(t *testing.T) {
			s.start(t)
			if err := s.handler(t).HandleEvent(t.Context(), ended(t)); err != nil {
				t.Fatal(err)
			}
			got := s.accepted()
			if len(got) != 1 {
				t.Fatalf("%d mails", len(got))
			}
			login := map[bool]string{true: "LOGIN calls " + password + " ", false: "PLAIN \x00calls\x00" + password}[name == "LOGIN"]
			if !got[0].encrypted || got[0].login != login || got[0].from != "FROM:<calls@example.com>" ||
				strings.Join(got[0].to, " ") != "TO:<sales@example.com> TO:<reception@example.com>" {
				t.Errorf("got %+v", got[0])
			}
			header, text := parse(t, got[0].content)
			if strings.TrimSpace(text) != "From +12025550100\n.\nEnd" {
				t.Errorf("text %q", text)
			}
			if to, err := header.AddressList("To"); err != nil || len(to) != 2 || to[1].Name != "Réception" {
				t.Errorf("to %v, %v", to, err)
			}
			if at, err := header.Date(); err != nil || time.Since(at) > time.Minute {
				t.Errorf("date %v, %v", at, err)
			}
			if header.Get("From") != `"Calls" <calls@example.com>` || header.Get("Subject") != "Missed call" || header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("header %v", header)
			}
		})
	}
}

func TestMessageIDIsStable(t *testing.T) {
	s := (&mailServer{}).start(t)
	first := ended(t)
	again, other := *first, *first
	again.ReceiveCount, other.Raw = 7, []byte(`{}`)
	elsewhere := func(cfg *email.Config) { cfg.To = []string{"boss@example.com"} }
	for _, send := range []struct {
		h *email.Handler
		e *events.Event
	}{{s.handler(t), first}, {s.handler(t), &again}, {s.handler(t), &other}, {s.handler(t, elsewhere), first}} {
		if err := send.h.HandleEvent(t.Context(), send.e); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, got := range s.accepted() {
		header, _ := parse(t, got.content)
		ids = append(ids, header.Get("Message-ID"))
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || ids[0] == ids[3] || !strings.HasSuffix(ids[0], "@example.com>") {
		t.Errorf("ids %q", ids)
	}
}

func TestReplayIsMarked(t *testing.T) {
	s := (&mailServer{}).start(t)
	again := *ended(t)
	again.Replay = true
	for _, e := range []*events.Event{ended(t), &again} {
		if err := s.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := parse(t, s.accepted()[0].content)
	second, _ := parse(t, s.accepted()[1].content)
	if first.Get("X-Wildix-Replay") != "" || second.Get("X-Wildix-Replay") != "true" || first.Get("Message-ID") != second.Get("Message-ID") {
		t.Errorf("headers %v and %v", first, second)
	}
}

func TestEventCanNotAddAHeader(t *testing.T) {
	s := (&mailServer{}).start(t)
	const subject = "Call\r\nBcc: everyone@example.com\r\n\r\nHello\x00\u2028Ä\xff"
	h := s.handler(t, func(cfg *email.Config) {
		cfg.Render = func(context.Context, *events.Event) (email.Message, error) {
			return email.Message{Subject: subject + strings.Repeat(" ä", 300), Text: "a\r\n.\r\nQUIT\r\nb\xff"}, nil
		}
	})
	if err := h.HandleEvent(t.Context(), ended(t)); err != nil {
		t.Fatal(err)
	}
	header, text := parse(t, s.accepted()[0].content)
	got, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || !strings.HasPrefix(got, "Call Bcc: everyone@example.com Hello Ä\ufffd ä ä") || len([]rune(got)) != 200 || !strings.HasSuffix(got, "…") {
		t.Errorf("subject %q, %v", got, err)
	}
	if header.Get("Bcc") != "" || len(header) != 9 || strings.TrimSpace(text) != "a\n.\nQUIT\nb\ufffd" {
		t.Errorf("%d headers: %v, text %q", len(header), header, text)
	}
}

func TestWithoutTLSNothingIsSent(t *testing.T) {
	s := (&mailServer{NoSTARTTLS: true}).start(t)
	err := s.handler(t).HandleEvent(t.Context(), ended(t))
	if err == nil || !strings.Contains(err.Error(), "TLS: the server offers no STARTTLS; write smtps://") || s.received() != "EHLO QUIT" {
		t.Errorf("%v after %s", err, s.received())
	}
	// Explicitly to loopback it is.
	local := s.handler(t, func(cfg *email.Config) { cfg.URL += "?tls=off" })
	if err := local.HandleEvent(t.Context(), ended(t)); err != nil || s.accepted()[0].encrypted {
		t.Errorf("%v, %+v", err, s.accepted())
	}
}

func TestWrongCertificateGetsNothing(t *testing.T) {
	for name, s := range map[string]*mailServer{
		"name, implicit TLS": {Implicit: true, Names: []string{"mail.example.com"}}, "name, STARTTLS": {Names: []string{"mail.example.com"}},
		"authority, implicit TLS": {Implicit: true}, "authority, STARTTLS": {},
	} {
		t.Run(name, func(t *testing.T) {
			s.start(t)
			h := s.handler(t, func(cfg *email.Config) {
				if strings.HasPrefix(name, "authority") {
					cfg.RootCAs = nil
				}
			})
			err := h.HandleEvent(t.Context(), ended(t))
			if err == nil || events.IsPermanent(err) || !strings.Contains(err.Error(), "TLS: tls: failed to verify certificate") || strings.Contains(s.received(), "AUTH") {
				t.Errorf("%v after %s", err, s.received())
			}
		})
	}
}

func TestEventWithoutMailIsIgnored(t *testing.T) {
	s := (&mailServer{}).start(t)
	for name, render := range map[string]func(context.Context, *events.Event) (email.Message, error){
		"default": nil,
		"empty":   func(context.Context, *events.Event) (email.Message, error) { return email.Message{Text: " \n"}, nil },
		"ignored": func(context.Context, *events.Event) (email.Message, error) {
			return email.Message{}, events.ErrNoHandler
		},
	} {
		h := s.handler(t, func(cfg *email.Config) { cfg.Render = render })
		if err := h.HandleEvent(t.Context(), event(t, `{"id":"call-1","type":"call:start","time":1693389850611,"data":{}}`)); err != events.ErrNoHandler {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused := errors.New("no such customer")
	h := s.handler(t, func(cfg *email.Config) {
		cfg.Render = func(context.Context, *events.Event) (email.Message, error) {
			return email.Message{}, events.Permanent(refused)
		}
	})
	if err := h.HandleEvent(t.Context(), ended(t)); !errors.Is(err, refused) || !events.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	large := s.handler(t, func(cfg *email.Config) {
		cfg.Render = func(context.Context, *events.Event) (email.Message, error) {
			return email.Message{Text: strings.Repeat("x", 1<<20+1)}, nil
		}
	})
	if err := large.HandleEvent(t.Context(), ended(t)); !events.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	if s.received() != "" {
		t.Errorf("the server got %s", s.received())
	}
}

func TestHandlerReturnsWhenItsContextEnds(t *testing.T) {
	s := (&mailServer{Hang: "MAIL"}).start(t)
	lost := errors.New("lease lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(lost) })
	begin := time.Now()
	if err := s.handler(t).HandleEvent(ctx, ended(t)); !errors.Is(err, lost) || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}
