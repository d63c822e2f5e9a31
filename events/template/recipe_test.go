package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"wildix-worker/events/template"
)

// people are the sides of a call.
type people struct{ caller, callee string }

func person(kind, phone, name string) string {
	encoded, err := json.Marshal(map[string]string{"type": kind, "phone": phone, "name": name})
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

var (
	ordinary  = people{person("REMOTE", "+12025550100", "Ada Example"), person("LOCAL", "200", "Reception")}
	anonymous = people{person("REMOTE", "", ""), "null"}
	unknown   = people{"null", "null"}
	named     = func(name string) people { return people{person("REMOTE", name, name), person("LOCAL", name, name)} }
)

// nasty are names that a careless template would let through as markup.
var nasty = map[string]string{
	"quotes":       `A "quoted" \ 'name'`,
	"lines":        "Ada\r\nBcc: x@example.com\n\n\x00\x1b[31m\u2028",
	"slack":        "<!channel> <@U123> <https://example.com|bank> & co",
	"markdown":     "[bank](https://example.com) **b** _i_ ~~s~~ `c` ||s|| # h",
	"mention":      "@everyone @here <@&123> <users/all> <at>all</at>",
	"html":         "<script>alert(1)</script><b>x</b><img src=x onerror=y>",
	"template":     "{{.}} {{DATE(2020-01-01T00:00:00Z)}} %s %d",
	"long":         strings.Repeat("long & <wide> \U0001F4DE *", 1000),
	"bidi":         "abc\u202egnp.exe",
	"invalid utf8": "a\xff\xfeb",
}

// A call is a finished call in JSON, apart from its sides.
func call(p people, direction string, answered bool) string {
	at := "null"
	if answered {
		at = "1693389858611"
	}
	queue := "null"
	if p.callee != "null" {
		queue = strings.TrimSuffix(strings.SplitN(p.callee, `"name":`, 2)[1], "}")
		queue = strings.SplitN(queue, `,"phone"`, 2)[0]
	}
	return fmt.Sprintf(`{"id":"call_1.1","pbx":"221100001bab","company":"example","type":"call:finished","time":1693389920000,"data":{"caller":%s,"callee":%s,`+
		`"direction":%q,"destination":"200","queue":%s,"trunk":"Main","started":1693389853611,"answeredAt":%s,"ended":1693389918861,"duration":65.25,"waited":5,`+
		`"answered":%v,"missed":%v,"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"}}`,
		p.caller, p.callee, direction, queue, at, answered, !answered && direction != "outbound")
}

// sent returns the output of a recipe, or "".
func sent(t *testing.T, name, body string) string {
	t.Helper()
	made, err := template.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	output, err := made.Render(t.Context(), event(t, body))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(output)
}

// Each recipe, with the calls that it is for. The last column checks the form that the
// service's documentation asks for.
var recipes = []struct {
	name              string
	answered, inbound bool // only
	check             func(t *testing.T, output string)
}{
	{"slack-missed-call", false, true, checkSlack},
	{"teams-missed-call", false, true, checkTeams},
	{"discord-missed-call", false, true, checkDiscord},
	{"google-chat-missed-call", false, true, checkGoogleChat},
	{"email-missed-call", false, true, checkMail},
	{"hubspot-call", true, false, checkHubSpot},
	{"pipedrive-call", true, false, checkPipedrive},
	{"zendesk-call", true, false, checkZendesk},
}

func TestRecipesSendTheCallsThatFit(t *testing.T) {
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			for what, test := range map[string]struct {
				body string
				sent bool
			}{
				"missed":         {call(ordinary, "inbound", false), true},
				"answered":       {call(ordinary, "inbound", true), r.answered},
				"anonymous":      {call(anonymous, "inbound", false), true},
				"nobody known":   {call(unknown, "inbound", false), true},
				"outbound":       {call(people{ordinary.callee, ordinary.caller}, "outbound", true), !r.inbound},
				"not reached":    {call(people{ordinary.callee, ordinary.caller}, "outbound", false), !r.inbound},
				"internal":       {call(ordinary, "internal", true), false},
				"internal miss":  {call(ordinary, "internal", false), false},
				"call:end":       {nobody, false},
				"another event":  {`{"id":"1","type":"chat:message","time":1693389853611,"data":{"direction":"inbound","missed":true}}`, false},
				"without a data": {`{"id":"1","type":"call:finished","time":1693389853611}`, false},
			} {
				output := sent(t, r.name, test.body)
				if (output != "") != test.sent {
					t.Errorf("%s: sent %q", what, output)
				}
				if output != "" {
					r.check(t, output)
				}
			}
			for what, name := range nasty {
				for _, body := range []string{call(named(name), "inbound", false), call(named(name), "outbound", true)} {
					if output := sent(t, r.name, body); output != "" {
						r.check(t, output)
					} else if strings.Contains(body, `"inbound"`) {
						t.Errorf("%s: nothing sent", what)
					}
				}
			}
		})
	}
}

func TestRecipesHaveASourceAndASummary(t *testing.T) {
	if len(template.Recipes()) != len(recipes)+1 { // and cloudevents
		t.Errorf("%d recipes", len(template.Recipes()))
	}
	page, err := os.ReadFile("../../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Recipes() {
		if !strings.Contains(string(page), "| `"+r.Name+"` | ") {
			t.Errorf("docs/handlers.md does not list %s", r.Name)
		}
		if r.Service == "" || r.Summary == "" || r.ContentType == "" {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(r.Text(), "https://") && r.ContentType != template.MailType {
			t.Errorf("%s names no source", r.Name)
		}
		made, err := template.Open(r.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.CheckJSON(); (err != nil) != (r.ContentType == template.MailType) {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
}

func TestOpenNamesTheNearestRecipe(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, want := range map[string]string{
		"slack-mised-call": `no recipe or file "slack-mised-call", did you mean "slack-missed-call"?`,
		"slack":            `no recipe or file "slack"; the recipes are slack-missed-call, teams-missed-call`,
		"./slack.tmpl":     "./slack.tmpl: no such file or directory",
	} {
		if _, err := template.Open(name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

// Cause 17 is a callee that is busy.
func TestRecipesTellBusyFromNoAnswer(t *testing.T) {
	busy := strings.Replace(call(people{ordinary.callee, ordinary.caller}, "outbound", false), `"endCause":"16"`, `"endCause":"17"`, 1)
	for name, want := range map[string]string{"hubspot-call": `"hs_call_status": "BUSY"`, "pipedrive-call": `"outcome": "busy"`} {
		if output := sent(t, name, busy); !strings.Contains(output, want) {
			t.Errorf("%s: no %s in\n%s", name, want, output)
		}
	}
}

// A FIFO would be waited for at start, without end.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("fifo.tmpl", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo.tmpl", ".", os.DevNull} {
		if _, err := template.Open(name); !errors.Is(err, template.ErrNoTemplate) || err.Error() != name+" is not a regular file" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestRecipeCloudEvents(t *testing.T) {
	for _, body := range []string{nobody, finished, call(named(nasty["quotes"]), "inbound", true), `{"id":"a b/ü","type":"x y","time":1693389853611,"company":"Ex & Co/ü"}`} {
		e := event(t, body)
		var got struct {
			SpecVersion, ID, Source, Type, Subject, Time, DataContentType string
			Data                                                          json.RawMessage
		}
		strict(t, sent(t, "cloudevents", body), &got)
		switch {
		case got.SpecVersion != "1.0", got.ID != e.DeliveryKey(), got.Type != "com.wildix."+e.Type, got.Subject != e.ID,
			got.Time != "2023-08-30T10:04:13.611Z" && got.Time != "2023-08-30T10:05:20Z", got.DataContentType != "application/json",
			!uriReference.MatchString(got.Source), string(got.Data) != body && !sameJSON(t, got.Data, body):
			t.Errorf("%s makes %+v", body, got)
		}
	}
}

func sameJSON(t *testing.T, a []byte, b string) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}
