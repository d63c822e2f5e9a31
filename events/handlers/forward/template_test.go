package forward_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/events/template"
)

func parse(t testing.TB, text string) *template.Template {
	t.Helper()
	made, err := template.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestEventWithEmptyTemplateOutputIsIgnored(t *testing.T) {
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: parse(t, "{{if eq .Type \"call:end\"}}\n{}\n{{end}}\n")})
	outcome, err := events.Dispatch(t.Context(), h, event(t, "call-start.json"))
	if outcome != events.Ignored || err != nil {
		t.Errorf("outcome %v, error %v", outcome, err)
	}
	s.wantRequests(t, 0)
}

func TestValidateFindsTemplatesWithoutJSON(t *testing.T) {
	for text, contentType := range map[string]string{
		`{"name": "{{.Data.Caller.Name}}"}`: "", // invalid once a name has a quote
		`{"at": {{.Time}}}`:                 "application/json; charset=utf-8",
		`id={{.ID}}`:                        "application/vnd.example+json",
	} {
		cfg := forward.Config{URL: "https://example.com", Template: parse(t, text), Header: map[string][]string{}}
		if contentType != "" {
			cfg.Header.Set("Content-Type", contentType)
		}
		var field *events.FieldError
		if err := cfg.Validate(); !errors.As(err, &field) || field.Field != "Template" {
			t.Errorf("%s: error %v", text, err)
		}
		cfg.Header.Set("Content-Type", "text/plain")
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s as plain text: %v", text, err)
		}
	}
}

func TestBodyThatIsNotJSONIsNotSent(t *testing.T) {
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: parse(t, `{{if eq .Data.EndCause "16"}}{"name": "{{.Data.EndCauseStr}}"}{{end}}`)})
	err := h.HandleEvent(t.Context(), event(t, `{"id":"1","type":"call:end","time":1693389853611,"data":{"endCause":"16","endCauseStr":"a\"b"}}`))
	wantPermanent(t, err, "not valid JSON")
	if strings.Contains(err.Error(), `a"b`) {
		t.Errorf("error %q contains data of the event", err)
	}
	s.wantRequests(t, 0)
}

// A template that fails for an event always does, one that was stopped may not.
func TestTemplateErrorIsPermanentUnlessItWasStopped(t *testing.T) {
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: parse(t, `{{if eq .ID "1"}}{{range 1000000}}{{end}}{{end}}{}`)})
	e := event(t, `{"id":"1","type":"call:end","time":1693389853611}`)
	wantPermanent(t, h.HandleEvent(t.Context(), e), "more than 100,000 steps")
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	wantRetry(t, h.HandleEvent(ctx, e), "the template was stopped: context deadline exceeded")
	s.wantRequests(t, 0)
}

func TestRecipeSetsTheContentType(t *testing.T) {
	made, err := template.Open("cloudevents")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: made})
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[0].header.Get("Content-Type"); got != "application/cloudevents+json" {
		t.Error(got)
	}
	h = newHandler(t, forward.Config{URL: s.URL, Template: made, Header: map[string][]string{"Content-Type": {"application/json"}}})
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[1].header.Get("Content-Type"); got != "application/json" {
		t.Error(got)
	}
}
