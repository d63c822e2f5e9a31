package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// people is data with personal data in fields that the worker knows, and in others.
const people = `{"status":"TALKING","caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada Example","email":"ada@example.com","userAgent":"Ada's phone"},
	"callee":{"phone":12025550166,"name":"Ada Example","company":"Example Ltd","userExtension":201,"groupName":"Sales"},
	"destination":"(0202) 555-0199","tags":["Ada","vip"],"notes":{"Ada Example":"call ada@example.com","+12025550100":true,"other":["Ada",555]},"flows":[{"duration":12.5,"flowIndex":0}]}`

// get asks for a message of the list.
func get(t *testing.T, url string, number, at any) (status int, text string) {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("%s/console/event?number=%v&at=%v", url, number, at))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// opened returns what a message that has been observed shows when it is opened.
func opened(t *testing.T, cfg Config, r consumer.Result) openedRow {
	t.Helper()
	c := New(cfg)
	c.Observe(r)
	url, _ := serve(t, c)
	n := watch(t, url)().Notes[0]
	status, text := get(t, url, n.Number, n.At)
	var row openedRow
	if err := json.Unmarshal([]byte(text), &row); status != 200 || err != nil {
		t.Fatalf("%d %s: %v", status, text, err)
	}
	return row
}

func TestOpenedEventIsMasked(t *testing.T) {
	r := result(t, "call-1@example.com", events.CallUpdate, people, events.Failed, errors.New("no user +12025550142\nfor Ada Example"))
	r.MessageID, r.SentAt = "b2bd1c77-1f3e-4a63-8c2a-000000000001", time.UnixMilli(1700000000000)
	row := opened(t, Config{}, r)
	const want = `{
  "id": "***@***",
  "company": "example",
  "type": "call:update",
  "time": TIME,
  "data": {
    "status": "TALKING",
    "caller": {
      "type": "REMOTE",
      "phone": "***00",
      "name": "A. E.",
      "email": "***@***",
      "userAgent": "A. p."
    },
    "callee": {
      "phone": "***66",
      "name": "A. E.",
      "company": "E. L.",
      "userExtension": "***01",
      "groupName": "Sales"
    },
    "destination": "***99",
    "tags": [
      "A.",
      "v."
    ],
    "notes": {
      "Ada Example": "***@***",
      "***00": true,
      "other": [
        "A.",
        "***55"
      ]
    },
    "flows": [
      {
        "duration": 12.5,
        "flowIndex": 0
      }
    ]
  }
}`
	if got := timestamp.ReplaceAllString(row.Body, "TIME"); got != want {
		t.Errorf("body %s", got)
	}
	if row.Size != len(r.Event.Raw) || row.Kept != row.Size || row.Reason != `no user ***42\nfor A. E.` || row.ID != "***@***" ||
		row.Message != r.MessageID || row.Sent != r.SentAt.UnixMilli() || row.Happened != r.Event.Time.UnixMilli() || row.Type != events.CallUpdate || row.Company != "example" {
		t.Errorf("%+v", row)
	}
}

func TestOpenedEventIsShownInFullWhereNothingIsMasked(t *testing.T) {
	body := opened(t, Config{Unmasked: true}, result(t, "1", events.CallUpdate, people, events.Handled, nil)).Body
	for _, text := range []string{`"name": "Ada Example"`, `"phone": 12025550166`, `"+12025550100": true`, `"(0202) 555-0199"`} {
		if !strings.Contains(body, text) {
			t.Errorf("no %s in %s", text, body)
		}
	}
}

// A secret does not belong in an event, but nobody should see one on the console.
func TestOpenedEventShowsNoSecrets(t *testing.T) {
	const data = `{"webhookSecret":"hide-1","x-signature":["hide-2",{"deep":"hide-3"}],"access_token":{"a":{"b":"hide-4"}},"Authorization":123123,"apiKey":null,
		"recording":"https://ada:hide-5@example.com/a?X-Amz-Signature=hide-6&part=1&token=hide-7","header":"Bearer hide-8-aaaaaaaaaaaaa","status":"password=hide-9","after":"seen","list":[{"cookie":"hide-0"},"seen too"]}`
	for _, unmasked := range []bool{true, false} {
		r := result(t, "1", "custom:type", data, events.Failed, errors.New("GET https://example.com/?signature=hide-10 failed"))
		row := opened(t, Config{Unmasked: unmasked}, r)
		if shown := timestamp.ReplaceAllString(row.Body, "TIME") + row.Reason; strings.Contains(shown, "hide") || strings.Contains(shown, "1231") || strings.Contains(shown, "23") {
			t.Errorf("unmasked %t: %s", unmasked, shown)
		}
		if unmasked && (!strings.Contains(row.Body, `"after": "seen"`) || !strings.Contains(row.Body, `part=1`) || !strings.Contains(row.Body, "\"x-signature\": \"***\",\n")) {
			t.Errorf("%s", row.Body)
		}
	}
}

// Wherever a body is cut, half of a name, number or secret is not taken for something else.
func TestCutBodyIsMasked(t *testing.T) {
	body := `{"id":"1","data":` + strings.TrimSuffix(people, "}") + `,"token":{"deep":["hidden"]}}}`
	for length := range len(body) {
		shown := mask{}.body([]byte(body[:length]), false)
		for _, secret := range []string{"Example L", "ada", "555", "202", "hidden", "vi", "+"} {
			if strings.Contains(shown, secret) {
				t.Fatalf("%q of %s in %s", secret, body[:length], shown)
			}
		}
		if !strings.HasSuffix(shown, "…") {
			t.Fatalf("%s does not say that it is cut", shown)
		}
	}
}

// What is kept of a text may end in the middle of an email or number, which a mask does not
// recognise.
func TestTextsAreMaskedToTheirEnd(t *testing.T) {
	c := New(Config{})
	for _, last := range []string{"eve.example@example.com", "+1 202 555 0142"} {
		for length := range len(last) {
			text := "a.long.address.of.somebody@example.com "
			text = strings.Repeat(text, (maxKept-length-1)/len(text))
			text += strings.Repeat("x", maxKept-length-len(text)-1) + " " + last + " and more"
			c.Observe(result(t, text, "custom:"+text, `{}`, events.Failed, errors.New(strings.Repeat(text+" ", 9))))
			c.Observe(result(t, fmt.Sprint(last, length), events.CallStart, `{"status":"RINGING","queueName":"`+text+`"}`, events.Handled, nil))
		}
	}
	f := c.frames.next(1, nil)
	for _, call := range f.Calls.Set {
		if strings.Contains(call.Queue, "eve") || strings.Contains(call.Queue, "20") {
			t.Errorf("queue %q", call.Queue)
		}
	}
	for _, n := range f.Notes {
		if shown := n.Type + n.Reason; strings.Contains(shown, "eve") || strings.Contains(shown, "20") {
			t.Errorf("type %q, error %q", n.Type, n.Reason)
		}
		if strings.Contains(n.ID, "eve") {
			t.Errorf("id %q", n.ID)
		}
	}
}

func TestIDThatIsANumberIsMasked(t *testing.T) {
	row := opened(t, Config{}, result(t, "+12025550142", events.CallStart, `{"id":"12025550142"}`, events.Handled, nil))
	if shown := row.ID + row.Body; strings.Contains(shown, "5550142") || strings.Count(shown, "***42") != 3 {
		t.Errorf("%s: %s", row.ID, row.Body)
	}
}

func TestHalfANumberIsNotShown(t *testing.T) {
	if shown, want := (mask{}).body([]byte(`{"duration":12`), false), "{\n  \"duration\": \n  …"; shown != want {
		t.Errorf("%q", shown)
	}
}

func TestLargeBodyIsCut(t *testing.T) {
	r := result(t, "1", events.CallStart, `{"status":"RINGING","filler":"`+strings.Repeat("x", 1_000_000)+`"}`, events.Handled, nil)
	row := opened(t, Config{}, r)
	if row.Kept != maxBody || row.Size != len(r.Event.Raw) || !strings.Contains(row.Body, `"status": "RINGING"`) || strings.Contains(row.Body, "xx") {
		t.Errorf("%+v", row)
	}
}

func TestBodyOfBracketsStaysSmall(t *testing.T) {
	deep := strings.Repeat(`[`, maxBody)
	if shown := (mask{}).body([]byte(deep), false); len(shown) > 40*maxBody {
		t.Errorf("%d bytes", len(shown))
	}
}

func TestControlCharactersAreShownAsEscapes(t *testing.T) {
	row := opened(t, Config{Unmasked: true}, result(t, "1", "custom:type\u202egnp", `{"na\u202eme":"a\u0000\n\u2066\u009b\ud83d\ude00\udb40\udc01\"\\<b>"}`, events.Handled, nil))
	const want = `"na\u202eme": "a\u0000\n\u2066\u009b😀\udb40\udc01\"\\<b>"`
	if !strings.Contains(row.Body, want) || !strings.HasSuffix(row.Type, `\u202egnp`) {
		t.Errorf("%q: %s", row.Type, row.Body)
	}
}

func TestRejectedMessageHasNoBody(t *testing.T) {
	row := opened(t, Config{}, consumer.Result{Outcome: events.Rejected, Err: signature.ErrMismatch, MessageID: "id-1"})
	if want := (openedRow{Message: "id-1", Reason: signature.ErrMismatch.Error()}); row != want {
		t.Errorf("%+v", row)
	}
}

func TestOnlyEventsOfTheListCanBeOpened(t *testing.T) {
	c := New(Config{})
	c.Observe(result(t, "1", events.CallStart, `{}`, events.Handled, nil))
	c.Observe(result(t, "2", events.CallStart, `{}`, events.Failed, errors.New("no")))
	url, _ := serve(t, c)
	notes := watch(t, url)().Notes
	for _, n := range notes {
		if status, text := get(t, url, n.Number, n.At); status != 200 || !strings.Contains(text, fmt.Sprintf(`\"id\": \"%s\"`, n.ID)) {
			t.Errorf("%d: %d %s", n.Number, status, text)
		}
	}
	n := notes[0]
	for _, test := range []struct {
		number, at any
		status     int
	}{
		{n.Number, n.At + 1, 404}, // of another worker
		{99, n.At, 404}, {0, 0, 404}, {0, time.Time{}.UnixMilli(), 404},
		{"", n.At, 400}, {"-1", n.At, 400}, {n.Number, "now", 400},
	} {
		if status, text := get(t, url, test.number, test.at); status != test.status {
			t.Errorf("%v at %v: %d %s", test.number, test.at, status, text)
		}
	}
	for range ringSize + 1 {
		c.Observe(result(t, "3", events.CallStart, `{}`, events.Failed, errors.New("no")))
	}
	if status, _ := get(t, url, notes[0].Number, notes[0].At); status != 404 {
		t.Errorf("an event that is no longer kept: %d", status)
	}
}

func TestOpeningRequiresTheTokenAndTheSameSite(t *testing.T) {
	c := New(Config{})
	c.Observe(result(t, "1", events.CallStart, `{}`, events.Handled, nil))
	at := c.recent.done.records[0].at.UnixMilli()
	deny := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	}
	for _, test := range []struct {
		protect func(http.Handler) http.Handler
		site    string
		status  int
	}{{deny, "same-origin", 401}, {unprotected, "cross-site", 403}, {unprotected, "same-site", 403}, {unprotected, "same-origin", 200}} {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/console/event?number=1&at=%d", at), nil)
		r.Header.Set("Sec-Fetch-Site", test.site)
		w := httptest.NewRecorder()
		c.Handler(test.protect).ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: %d %s", test.site, w.Code, w.Body)
		}
	}
}

func FuzzBody(f *testing.F) {
	f.Add(people, true)
	f.Add(`{"a":[{},[],{"token":[1,{"b":2}],"x":-1e9}],"":null}`, false)
	f.Fuzz(func(t *testing.T, body string, whole bool) {
		for _, m := range []mask{{}, {off: true}} {
			shown := m.body([]byte(body), whole)
			if i := strings.IndexFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }); i >= 0 {
				t.Errorf("%q has a character that is not printable", shown)
			}
			if whole && m.off && json.Valid([]byte(body)) && !json.Valid([]byte(shown)) {
				t.Errorf("%q is shown as %s", body, shown)
			}
		}
	})
}
