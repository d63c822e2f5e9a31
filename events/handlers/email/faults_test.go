package email_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/email"
)

// A kind is what a handler's error asks for.
type kind string

const (
	success     kind = "success"
	retry       kind = "retry"
	permanent   kind = "permanent"
	unavailable kind = "unavailable"
)

func kindOf(err error) kind {
	d, isUnavailable := events.UnavailableFor(err)
	switch {
	case err == nil:
		return success
	case events.IsPermanent(err):
		return permanent
	case isUnavailable && d == time.Minute:
		return unavailable
	default:
		return retry
	}
}

func TestReplyDecidesWhetherAnotherTryHelps(t *testing.T) {
	for _, test := range []struct {
		verb, reply string
		kind        kind
		text        string
	}{
		{"CONNECT", "421 4.3.2 too many connections", unavailable, "greeting: 421 4.3.2 too many connections"},
		{"CONNECT", "554 5.7.1 no access", retry, "greeting: 554 5.7.1 no access"},
		{"EHLO", "421 4.3.0 closing", unavailable, "greeting: 421"},
		{"STARTTLS", "454 4.7.0 TLS not available", unavailable, "TLS: 454"},
		{"AUTH", "535 5.7.8 wrong password", retry, "login: 535 5.7.8 wrong password; check the user in URL and Password"},
		{"AUTH", "454 4.7.0 try later", unavailable, "login: 454"},
		{"MAIL", "451 4.3.0 try later", unavailable, "sender: 451"},
		{"MAIL", "451 4.7.1 greylisted", retry, "sender: 451"},
		{"MAIL", "530 5.7.0 login first", retry, "the server wants a login"},
		{"MAIL", "553 5.7.1 not your address", retry, "check From"},
		{"RCPT", "450 4.2.1 greylisted", retry, "recipient sales@example.com: 450 4.2.1 greylisted"},
		{"RCPT", "421 4.7.0 closing", unavailable, "recipient sales@example.com: 421"},
		{"RCPT", "550 5.7.1 relaying\x01 denied\x1b[2J", retry, "recipient sales@example.com: 550 5.7.1 relaying denied[2J; check To"},
		{"DATA", "451 4.3.1 no space", unavailable, "content: 451 4.3.1"},
		{"DATA", "554 no", permanent, "content: 554"},
		{"CONTENT", "451 4.7.1 try later", retry, "content: 451 4.7.1"},
		{"CONTENT", "452 try later", retry, "content: 452"},
		{"CONTENT", "552 5.3.4 too big", permanent, "content: 552 5.3.4"},
		{"CONTENT", "554 5.6.0 spam: Missed call of +12025550100", permanent, "content: 554 5.6.0"},
		{"CONTENT", "550 5.7.60 may not send as this sender", retry, "content: 550 5.7.60"},
	} {
		t.Run(test.verb+" "+test.reply[:3], func(t *testing.T) {
			s := (&mailServer{Replies: map[string]string{test.verb: test.reply}}).start(t)
			err := s.handler(t).HandleEvent(t.Context(), ended(t))
			if kindOf(err) != test.kind || err == nil {
				t.Fatalf("%v is of kind %s, want %s", err, kindOf(err), test.kind)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "email by localhost:") || !strings.Contains(text, test.text) || strings.Contains(text, password) || strings.Contains(text, "+1202") {
				t.Errorf("%s, want %q", text, test.text)
			}
			if len(s.accepted()) != 0 {
				t.Error("the server has the mail")
			}
		})
	}
}

func TestServerThatDoesNotReplyIsTriedAgain(t *testing.T) {
	for _, verb := range []string{"CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "CONTENT"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			hangs := (&mailServer{Hang: verb}).start(t)
			err := hangs.handler(t, func(cfg *email.Config) { cfg.Timeout = 200 * time.Millisecond }).HandleEvent(t.Context(), ended(t))
			if kindOf(err) != retry || !strings.Contains(err.Error(), "no reply in time") {
				t.Errorf("hangs: %v", err)
			}
			drops := (&mailServer{Drop: verb}).start(t)
			err = drops.handler(t).HandleEvent(t.Context(), ended(t))
			if kindOf(err) != retry || !strings.Contains(err.Error(), "the server closed the connection") {
				t.Errorf("drops: %v", err)
			}
		})
	}
}

// The connection is closed in the middle of a mail that is larger than all buffers on the way.
func TestHalfAMailIsTriedAgain(t *testing.T) {
	s := (&mailServer{Drop: "MIDDLE"}).start(t)
	h := s.handler(t, func(cfg *email.Config) {
		cfg.Render = func(context.Context, *events.Event) (email.Message, error) {
			return email.Message{Text: strings.Repeat("x", 1<<20)}, nil
		}
	})
	if err := h.HandleEvent(t.Context(), ended(t)); kindOf(err) != retry || len(s.accepted()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestMailWhoseAcceptanceIsLostIsSentAgainWithTheSameID(t *testing.T) {
	s := (&mailServer{Drop: "CONTENT"}).start(t)
	for range 2 {
		if err := s.handler(t).HandleEvent(t.Context(), ended(t)); kindOf(err) != retry {
			t.Errorf("%v", err)
		}
	}
	got := s.accepted()
	first, _ := parse(t, got[0].content)
	second, _ := parse(t, got[1].content)
	if first.Get("Message-ID") != second.Get("Message-ID") {
		t.Error("two messages")
	}
}

func TestServerThatIsSlowToSayGoodbyeHasTheMail(t *testing.T) {
	s := (&mailServer{Hang: "QUIT"}).start(t)
	begin := time.Now()
	if err := s.handler(t).HandleEvent(t.Context(), ended(t)); err != nil || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}

func TestOneRefusedRecipientStopsTheMail(t *testing.T) {
	s := (&mailServer{}).start(t)
	h := s.handler(t, func(cfg *email.Config) { cfg.To = append(cfg.To, "gone@example.com") })
	err := h.HandleEvent(t.Context(), ended(t))
	if kindOf(err) != retry || !strings.Contains(err.Error(), "recipient gone@example.com: 550 5.1.1") || len(s.accepted()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestEndlessReplyIsCutOff(t *testing.T) {
	s := (&mailServer{Replies: map[string]string{"EHLO": strings.Repeat("250-more\r\n", 200_000) + "250 end"}}).start(t)
	err := s.handler(t).HandleEvent(t.Context(), ended(t))
	if kindOf(err) != retry || !strings.Contains(err.Error(), "replies are longer than") {
		t.Errorf("%v", err)
	}
}

func TestUnreachableServerNamesTheRemedy(t *testing.T) {
	s := (&mailServer{}).start(t)
	h := s.handler(t, func(cfg *email.Config) { cfg.URL = "smtp://localhost:1"; cfg.Password = "" })
	if err := h.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "email by localhost:1: connect: dial tcp") || !strings.Contains(err.Error(), "check host and port") {
		t.Errorf("%v", err)
	}
	// TLS where the server begins in clear, and the reverse.
	h = s.handler(t, func(cfg *email.Config) { cfg.URL = strings.Replace(cfg.URL, "smtp:", "smtps:", 1) })
	if err := h.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "does not speak TLS on this port; write smtp://") {
		t.Errorf("%v", err)
	}
	encrypted := (&mailServer{Implicit: true}).start(t)
	h = encrypted.handler(t, soon, func(cfg *email.Config) { cfg.URL = strings.Replace(cfg.URL, "smtps:", "smtp:", 1) })
	if err := h.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "greeting: no reply in time; write smtps://") {
		t.Errorf("%v", err)
	}
	noLogin := (&mailServer{Auth: "XOAUTH2"}).start(t)
	if err := noLogin.handler(t).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "login: the server offers no login by PLAIN") {
		t.Errorf("%v", err)
	}
}

func TestCheckSendsNothing(t *testing.T) {
	s := (&mailServer{}).start(t)
	if err := s.handler(t).Check(t.Context()); err != nil || s.received() != "EHLO STARTTLS EHLO AUTH MAIL RCPT RCPT QUIT" {
		t.Errorf("%v after %s", err, s.received())
	}
	for reply, want := range map[string]string{
		"450 4.2.1 greylisted":     "",
		"550 5.7.1 relay denied":   "recipient sales@example.com: 550 5.7.1 relay denied; check To",
		"421 4.3.2 going down now": "recipient sales@example.com: 421",
	} {
		s := (&mailServer{Replies: map[string]string{"RCPT": reply}}).start(t)
		err := s.handler(t).Check(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", reply, err)
		}
	}
	if got := s.accepted(); len(got) != 0 {
		t.Errorf("%d mails", len(got))
	}
}
