package forward_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/signature"
)

// recipe returns a template that docs/handlers.md shows as it is.
func recipe(t *testing.T, name string) *forward.Template {
	t.Helper()
	text, err := os.ReadFile("recipes/" + name)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```gotemplate\n"+string(text)+"```\n") {
		t.Errorf("docs/handlers.md does not show recipes/%s as it is", name)
	}
	template, err := forward.ParseTemplate(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// A fakeAPI records the requests that the documentation of an API allows, and refuses all
// others.
type fakeAPI struct {
	*httptest.Server
	accepted []string
}

// serveAPI starts a fakeAPI. accept returns the status, and what to record of the body.
func serveAPI(t *testing.T, path string, accept func(header http.Header, body []byte) (status int, kept string)) *fakeAPI {
	t.Helper()
	s := &fakeAPI{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			t.Error(err)
		case r.Method != http.MethodPost || r.URL.Path != path:
			http.NotFound(w, r)
		case r.Header.Get("Content-Type") != "application/json":
			http.Error(w, "unsupported media type", http.StatusUnsupportedMediaType)
		default:
			status, kept := accept(r.Header, body)
			w.WriteHeader(status)
			s.accepted = append(s.accepted, kept)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// object decodes a JSON object that has no other fields than these.
func object(body []byte, fields ...string) (map[string]json.RawMessage, bool) {
	var o map[string]json.RawMessage
	if json.Unmarshal(body, &o) != nil {
		return nil, false
	}
	for name := range o {
		if !slices.Contains(fields, name) {
			return nil, false
		}
	}
	return o, true
}

// slackText matches text whose control characters are escaped.
var slackText = regexp.MustCompile(`^([^&<>]|&amp;|&lt;|&gt;)+$`)

func TestRecipeSlackMissedCall(t *testing.T) {
	const path = "/services/T000/B000/hidden"
	slack := serveAPI(t, path, func(_ http.Header, body []byte) (int, string) {
		message, ok := object(body, "text")
		var text string
		if !ok || json.Unmarshal(message["text"], &text) != nil || !slackText.MatchString(text) {
			return http.StatusBadRequest, "invalid_payload " + string(body)
		}
		return http.StatusOK, text
	})
	h := newHandler(t, forward.Config{URL: slack.URL + path, Template: recipe(t, "slack-missed-call.tmpl")})
	for _, test := range []struct{ body, want string }{
		{"call-start.json", ""},
		{"call-end.json", `Missed call from +15555550123 to Björn "Bo" Exämple ☎: Call Rejected`},
		{missed(`"16"`, `null`), ""},
		{missed(`"17"`, `"<!channel> & \"co\""`), `Missed call from &lt;!channel&gt; &amp; "co" to 1001: User busy`},
		{missed(`"19"`, `null`), `Missed call from +12025550100 to 1001: User busy`},
		{`{"id":"1","type":"call:end","time":1693389853611,"data":{"caller":null}}`, ""},
		{`{"id":"1","type":"chat:channel:created","time":1693389853611}`, ""},
	} {
		slack.accepted = nil
		outcome, err := events.Dispatch(t.Context(), h, event(t, test.body))
		switch {
		case test.want == "" && (outcome != events.Ignored || len(slack.accepted) > 0):
			t.Errorf("%s: %v %v, Slack accepted %q", test.body, outcome, err, slack.accepted)
		case test.want != "" && (outcome != events.Handled || len(slack.accepted) != 1 || slack.accepted[0] != test.want):
			t.Errorf("%s: %v %v, Slack accepted %q, want %q", test.body, outcome, err, slack.accepted, test.want)
		}
	}
}

// missed returns an inbound call with an end cause. The name is JSON.
func missed(cause, name string) string {
	return `{"id":"1","type":"call:end","time":1693389853611,"data":{"endCause":` + cause + `,"endCauseStr":"User busy","destination":"1001",` +
		`"caller":{"type":"REMOTE","phone":"+12025550100","name":` + name + `}}}`
}

const outgoing = `{"id":"1","type":"call:end","time":1693389853611,"data":{"caller":{"type":"LOCAL","phone":"1001"},"callee":{"type":"REMOTE","phone":"+12025550100"}}}`

// callProperties are the properties of HubSpot's calls object that the recipe may use.
var callProperties = []string{
	"hs_timestamp", "hs_call_title", "hs_call_body", "hs_call_direction", "hs_call_duration", "hs_call_disposition",
	"hs_call_from_number", "hs_call_to_number", "hs_call_status", "hubspot_owner_id",
}

func TestRecipeHubSpotCall(t *testing.T) {
	const path = "/crm/v3/objects/calls"
	hubspot := serveAPI(t, path, func(header http.Header, body []byte) (int, string) {
		if header.Get("Authorization") != "Bearer pat-eu1-hidden" {
			return http.StatusUnauthorized, ""
		}
		call, ok := object(body, "properties", "associations")
		properties, known := object(call["properties"], callProperties...)
		if !ok || !known {
			return http.StatusBadRequest, string(body)
		}
		text := make(map[string]string)
		for name, value := range properties {
			var s string
			if json.Unmarshal(value, &s) != nil {
				return http.StatusBadRequest, name
			}
			text[name] = s
		}
		direction := text["hs_call_direction"]
		if !regexp.MustCompile(`^\d{13}$`).MatchString(text["hs_timestamp"]) || direction != "INBOUND" && direction != "OUTBOUND" {
			return http.StatusBadRequest, string(body)
		}
		return http.StatusCreated, direction + " " + text["hs_call_from_number"] + " " + text["hs_call_to_number"] + " " + text["hs_call_body"]
	})
	h := newHandler(t, forward.Config{
		URL: hubspot.URL + path, Template: recipe(t, "hubspot-call.tmpl"), Header: http.Header{"Authorization": {"Bearer pat-eu1-hidden"}},
	})
	for _, test := range []struct{ body, want string }{
		{"call-start.json", ""},
		{"call-end.json", "INBOUND +15555550123 10020 Call Rejected"},
		{missed(`"19"`, `"\"<&>"`), "INBOUND +12025550100 1001 User busy"},
		{outgoing, "OUTBOUND 1001 +12025550100 "},
		{nobody, ""},
	} {
		hubspot.accepted = nil
		outcome, err := events.Dispatch(t.Context(), h, event(t, test.body))
		if (outcome == events.Handled) != (test.want != "") || strings.Join(hubspot.accepted, "|") != test.want {
			t.Errorf("%s: %v %v, HubSpot accepted %q, want %q", test.body, outcome, err, hubspot.accepted, test.want)
		}
	}
}

// An n8n or Zapier webhook accepts any JSON. The test checks the fields that a workflow may
// rely on.
func TestRecipeRawJSON(t *testing.T) {
	const path = "/webhook/calls"
	n8n := serveAPI(t, path, func(header http.Header, body []byte) (int, string) {
		if header.Get("X-Token") != "hidden" || signature.Verify("shared", body, header.Get("X-Signature")) != nil {
			return http.StatusForbidden, ""
		}
		var e struct {
			Type string
			Time int64
		}
		if json.Unmarshal(body, &e) != nil || header.Get("Idempotency-Key") == "" {
			return http.StatusBadRequest, ""
		}
		return http.StatusOK, e.Type + " " + time.UnixMilli(e.Time).UTC().Format(time.TimeOnly)
	})
	h := newHandler(t, forward.Config{URL: n8n.URL + path, Secret: "shared", Header: http.Header{"X-Token": {"hidden"}}})
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	if len(n8n.accepted) != 1 || n8n.accepted[0] != "call:end 10:04:13" {
		t.Errorf("n8n accepted %q", n8n.accepted)
	}
}
