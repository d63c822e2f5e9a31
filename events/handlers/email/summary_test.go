package email_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/handlers/email"
	"wildix-worker/events/template"
)

func TestSummaryOfAMissedCall(t *testing.T) {
	got, err := email.CallSummary(time.UTC)(t.Context(), ended(t))
	want := email.Message{Subject: "Missed call from Ada Example (+12025550100)", Text: `Missed call from Ada Example (+12025550100)

From:      Ada Example, Example Ltd, +12025550100
To:        Sales, 1001
Queue:     Support
Ended:     Wed, 30 Aug 2023 10:04:13 UTC
Reason:    Normal Clearing, ended by the caller
Call:      call-1
`}
	if err != nil || got != want {
		t.Errorf("%v, got\n%s\n%s", err, got.Subject, got.Text)
	}
}

func TestSummaryOfAWholeCall(t *testing.T) {
	start := time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	record := calls.Record{
		ID: "call-1", Direction: calls.Inbound, Start: start, AnsweredAt: start.Add(12 * time.Second), End: start.Add(192 * time.Second), Answered: true,
		Caller: calls.Party{Phone: "+12025550100", Name: "Ada\r\nBcc: everyone@example.com"}, Callee: calls.Party{Phone: "1001", Name: "Sales", Extension: "1001"},
	}
	got, err := email.CallSummary(time.FixedZone("CET", 3600))(t.Context(), &events.Event{ID: "call-1", Type: "call:finished", Data: record.FinishedCall()})
	want := email.Message{Subject: "Call from Ada Bcc: everyone@example.com (+12025550100)", Text: `Call from Ada Bcc: everyone@example.com (+12025550100)

From:      Ada Bcc: everyone@example.com, +12025550100
To:        Sales, 1001
Started:   Fri, 27 Nov 2026 10:30:00 CET
Answered:  Fri, 27 Nov 2026 10:30:12 CET
Ended:     Fri, 27 Nov 2026 10:33:12 CET
Waited:    12s
Duration:  3m12s
Call:      call-1
`}
	if err != nil || got != want {
		t.Errorf("%v, got\n%s\n%s", err, got.Subject, got.Text)
	}
}

func TestSubjectSaysWhatHappened(t *testing.T) {
	end := time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	ada, sales := calls.Party{Name: "Ada Example"}, calls.Party{Extension: "1001"}
	for want, record := range map[string]calls.Record{
		"Missed call from an unknown number":    {Missed: true},
		"Call to Ada Example":                   {Direction: calls.Outbound, Answered: true, Caller: sales, Callee: ada},
		"Unanswered call to +12025550100":       {Direction: calls.Outbound, Caller: sales, Destination: "+12025550100"},
		"Call from 1001":                        {Direction: calls.Internal, Answered: true, Caller: sales},
		"Missed call from Ada Example":          {Direction: calls.Inbound, Missed: true, Caller: ada, Callee: sales},
		"Missed call from Example Ltd (+1 202)": {Missed: true, Caller: calls.Party{Company: "Example Ltd", Phone: "+1 202"}},
	} {
		record.End = end
		got, err := email.CallSummary(time.UTC)(t.Context(), &events.Event{Data: record.FinishedCall()})
		if err != nil || got.Subject != want {
			t.Errorf("%q (%v), want %q", got.Subject, err, want)
		}
	}
}

func TestTemplateMakesTheMail(t *testing.T) {
	record := calls.Record{ID: "call-1", Direction: calls.Inbound, Missed: true, Caller: calls.Party{Name: "Ada Example"}}
	missed := &events.Event{ID: "call-1", Type: events.CallFinished, Data: record.FinishedCall(), Raw: []byte("{}")}
	recipe, err := template.Open("email-missed-call")
	if err != nil {
		t.Fatal(err)
	}
	got, err := email.FromTemplate(recipe)(t.Context(), missed)
	if err != nil || got.Subject != "Missed call from Ada Example" || !strings.HasPrefix(got.Text, "Nobody answered this call:") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := email.FromTemplate(recipe)(t.Context(), ended(t)); err != events.ErrNoHandler {
		t.Errorf("%v", err)
	}
	noSubject, err := template.Parse("A call of {{call.caller.name}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := email.FromTemplate(noSubject)(t.Context(), missed); !events.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := email.FromTemplate(recipe)(late, missed); err == nil || events.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}

func TestValidateNamesEachField(t *testing.T) {
	_, err := email.New(email.Config{URL: "smtps://calls:hidden@mail.example.com", From: "calls", To: []string{"a@example.com, b@example.com"}, Timeout: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"URL: has a password in it", `From: "calls" is not one address`, "To: ", "Timeout: -1ns is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q has no %q", err, want)
		}
	}
	if _, ok := errors.AsType[*events.FieldError](err); !ok || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%T: %v", err, err)
	}
}

func TestURLsAndAddresses(t *testing.T) {
	valid := email.Config{URL: "smtps://calls@example.com@mail.example.com", Password: password, From: "calls@example.com", To: []string{"sales@example.com"}}
	if err := valid.Validate(); err != nil {
		t.Error(err)
	}
	for _, url := range []string{
		"", "mail.example.com:465", "https://mail.example.com", "smtps://", "smtps://calls@mail.example.com/inbox", "smtps://calls@mail.example.com:0",
		"smtps://calls@mail.example.com?tls=off", "smtp://calls@mail.example.com?tls=off", "smtp://calls@localhost?tls=no", "smtp://calls@localhost.example.com?tls=off",
		" smtps://calls@mail.example.com", "smtps://mail.example.com,mail2.example.com", "smtps://calls@mail.example.com?a b", "smtps://calls@169.254.169.254",
		"smtp://calls@[fe80::1%25eth0]", "smtps://ca%0d%0alls@mail.example.com",
	} {
		cfg := valid
		cfg.URL = url
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), "URL: ") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, address := range []string{"", "sales", "sales@example.com\r\nDATA", "sälés@example.com", "sales@exämple.com", `"<a>"@example.com`, "a b@example.com"} {
		cfg := valid
		cfg.From, cfg.To = address, []string{address}
		err := cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), "From: ") || !strings.Contains(err.Error(), "To: ") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, change := range []func(*email.Config){
		func(cfg *email.Config) { cfg.Password = "" },
		func(cfg *email.Config) { cfg.URL = "smtps://mail.example.com" },
	} {
		cfg := valid
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), "Password: ") || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
	}
}
