package eventbridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"wildix-worker/events"
	"wildix-worker/events/handlers/eventbridge"
	"wildix-worker/events/handlers/internal/awsbatch/awsbatchtest"
)

// An entry of a request, as in the protocol.
type entry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     float64
}

type request struct {
	action  string
	Entries []entry
}

// A bus is a server that speaks the protocol of EventBridge. Its fields are set before the
// first request.
type bus struct {
	mu    sync.Mutex
	calls []request
	// result returns the result of entry i of a call, as JSON. The default is success.
	result func(call, i int) string
	// fail returns the status and the code of a call, or 0 and "".
	fail func(call int) (int, string)
}

func (s *bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in := request{action: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSEvents.")}
	json.Unmarshal(body, &in)
	s.mu.Lock()
	call := len(s.calls)
	s.calls = append(s.calls, in)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if s.fail != nil {
		if status, code := s.fail(call); status != 0 {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type":%q,"message":"about +12025550100"}`, code)
			return
		}
	}
	var results []string
	for i := range in.Entries {
		result := fmt.Sprintf(`{"EventId":"event-%d"}`, i)
		if s.result != nil {
			result = s.result(call, i)
		}
		if result != "" {
			results = append(results, result)
		}
	}
	fmt.Fprintf(w, `{"FailedEntryCount":0,"Entries":[%s]}`, strings.Join(results, ","))
}

func (s *bus) handler(t *testing.T, change ...func(*eventbridge.Config)) *eventbridge.Handler {
	t.Helper()
	cfg := eventbridge.Config{Bus: "calls", Client: awseventbridge.New(awseventbridge.Options{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: awsbatchtest.Client{Handler: s},
	})}
	for _, f := range change {
		f(&cfg)
	}
	h, err := eventbridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestDetailIsTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := &bus{}, awsbatchtest.Event(t, 1)
		if err := s.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		got := s.calls[0]
		if want := (entry{"calls", "wildix-worker", "call:end", string(e.Raw), 1693389853.611}); got.action != "PutEvents" || got.Entries[0] != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestEachEventHasItsOwnResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		codes := []string{"", "InternalFailure", "ThrottlingException", "MalformedDetail", "AccessDeniedException", "NotAuthorizedForSourceException", ""}
		want := []awsbatchtest.Kind{"success", "retry", "unavailable", "permanent", "retry", "retry", "success", "retry", "retry"}
		s := &bus{result: func(call, i int) string {
			switch {
			case call == 0 || i < len(codes) && codes[i] == "":
				return `{"EventId":"event"}`
			case i < len(codes):
				return fmt.Sprintf(`{"ErrorCode":%q,"ErrorMessage":"about +12025550100"}`, codes[i])
			case i == len(codes):
				return `{}` // neither an id nor a code
			default:
				return "" // not in the answer
			}
		}}
		got := awsbatchtest.HandleAll(t, s.handler(t), awsbatchtest.Events(t, 10))
		if len(s.calls) != 2 || got[0] != nil {
			t.Fatalf("%d calls, first result %v", len(s.calls), got[0])
		}
		texts := slices.Concat(codes, []string{"NoCode", "NotInAnswer"})
		for i, err := range got[1:] {
			awsbatchtest.WantKind(t, err, want[i], "EventBridge bus calls", texts[i])
			if err != nil && strings.Contains(err.Error(), "+1202") {
				t.Errorf("%v quotes the event", err)
			}
		}
	})
}

func TestFailureOfACallIsThatOfEachEvent(t *testing.T) {
	for code, test := range map[string]struct {
		status int
		kind   awsbatchtest.Kind
		text   string
	}{
		"ThrottlingException":       {400, awsbatchtest.Unavailable, "ThrottlingException"},
		"AccessDeniedException":     {400, awsbatchtest.Retry, "allow events:PutEvents"},
		"ResourceNotFoundException": {400, awsbatchtest.Retry, "it does not exist"},
		"InternalException":         {500, awsbatchtest.Retry, "InternalException"},
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &bus{fail: func(int) (int, string) { return test.status, code }}
				for _, err := range awsbatchtest.HandleAll(t, s.handler(t), awsbatchtest.Events(t, 3)) {
					awsbatchtest.WantKind(t, err, test.kind, "EventBridge bus calls", test.text)
				}
				if len(s.calls) != 2 {
					t.Errorf("%d calls: the SDK retries", len(s.calls))
				}
			})
		})
	}
}

func TestOneEventDoesNotFailTheOthersOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bus{}
		s.fail = func(call int) (int, string) { // calls: 0; 1, 2, 3 together; 1; 2; 3
			if call == 1 || call == 3 {
				return 400, "ValidationException"
			}
			return 0, ""
		}
		got := awsbatchtest.HandleAll(t, s.handler(t), awsbatchtest.Events(t, 4))
		if got[0] != nil || got[1] != nil || got[2] == nil || got[3] != nil || len(s.calls) != 5 {
			t.Errorf("results %v of %d calls", got, len(s.calls))
		}
	})
}

func TestEventThatEventBridgeCanNotTakeIsNotSent(t *testing.T) {
	s := &bus{}
	h := s.handler(t)
	large, invalid, unnamed := awsbatchtest.Event(t, 1), awsbatchtest.Event(t, 2), awsbatchtest.Event(t, 3)
	large.Raw = make([]byte, 1<<20-20)
	invalid.Raw = []byte("{\"id\":\"\xff\"}")
	unnamed.Type = strings.Repeat("é", 129)
	for text, e := range map[string]*events.Event{"more than the 1048575": large, "not valid UTF-8": invalid, "longer than the 128 characters": unnamed} {
		awsbatchtest.WantKind(t, h.HandleEvent(t.Context(), e), awsbatchtest.Permanent, "EventBridge bus calls", text)
	}
	if len(s.calls) != 0 {
		t.Errorf("%d calls", len(s.calls))
	}
}

func TestCheckPutsNothingOnTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bus{}
		awsbatchtest.WantKind(t, s.handler(t).Check(t.Context()), awsbatchtest.Success, "", "")
		if s.calls[0].action != "DescribeEventBus" || len(s.calls) != 1 {
			t.Errorf("calls %v", s.calls)
		}
		s.fail = func(int) (int, string) { return 400, "ResourceNotFoundException" }
		awsbatchtest.WantKind(t, s.handler(t).Check(t.Context()), awsbatchtest.Retry, "EventBridge bus calls", "check its name, the account and the region")
		slow := s.handler(t, func(cfg *eventbridge.Config) { cfg.Timeout = time.Millisecond })
		awsbatchtest.WantKind(t, slow.Check(t.Context()), awsbatchtest.Retry, "EventBridge bus calls", "no response in time")
	})
}

func TestValidateNamesEachField(t *testing.T) {
	_, err := eventbridge.New(eventbridge.Config{Bus: "my bus", Source: "aws.calls", Timeout: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Client: required", `Bus: "my bus" is not the name`, `Source: "aws.calls" begins with aws.`, "Timeout: -1ns is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q has no %q", err, want)
		}
	}
	if _, ok := errors.AsType[*events.FieldError](err); !ok {
		t.Errorf("%T", err)
	}
	for text, valid := range map[string]bool{
		"arn:aws:events:eu-central-1:123456789012:event-bus/calls": true,
		"aws.partner/example.com/calls":                            true,
		"arn:aws:events:eu-central-1:123456789012:rule/calls":      false,
		strings.Repeat("a", 256):                                   true,
		strings.Repeat("a", 257):                                   false,
	} {
		if err := (eventbridge.Config{Bus: text}).Validate(); strings.Contains(err.Error(), "Bus: ") == valid {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReplayIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := &bus{}, awsbatchtest.Event(t, 1)
		e.Replay = true
		if err := s.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := errors.Join(json.Unmarshal([]byte(s.calls[0].Entries[0].Detail), &got), json.Unmarshal(e.Raw, &want)); err != nil {
			t.Fatal(err)
		}
		want["replay"] = true
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
