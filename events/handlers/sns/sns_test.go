package sns_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/awsbatch/awsbatchtest"
	"wildix-worker/events/handlers/sns"
	"wildix-worker/signature"
)

const topicARN = "arn:aws:sns:eu-central-1:123456789012:calls"

// A topic is a server that speaks the protocol of SNS. Its fields are set before the first
// request.
type topic struct {
	mu    sync.Mutex
	calls []url.Values // the parameters of each request
	// refuse returns the failure of entry i of a call, or "": a code, with a ! before it if
	// the sender is at fault, or "-" to leave the entry out of the answer.
	refuse func(call, i int) string
	// fail returns the status and the code of a call, or 0 and "".
	fail       func(call int) (int, string)
	attributes string // XML
}

type resultEntry struct {
	ID          string `xml:"Id"`
	MessageID   string `xml:"MessageId,omitempty"`
	Code        string `xml:",omitempty"`
	Message     string `xml:",omitempty"`
	SenderFault *bool  `xml:",omitempty"`
}

func (s *topic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	call := len(s.calls)
	s.calls = append(s.calls, form)
	s.mu.Unlock()
	if s.fail != nil {
		if status, code := s.fail(call); status != 0 {
			w.WriteHeader(status)
			fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>about +12025550100</Message></Error></ErrorResponse>`, code)
			return
		}
	}
	if form.Get("Action") == "GetTopicAttributes" {
		fmt.Fprintf(w, `<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes>%s</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`, s.attributes)
		return
	}
	var accepted, failed []resultEntry
	for i := 0; ; i++ {
		id := form.Get(fmt.Sprintf("PublishBatchRequestEntries.member.%d.Id", i+1))
		if id == "" {
			break
		}
		code := ""
		if s.refuse != nil {
			code = s.refuse(call, i)
		}
		code, sender := strings.CutPrefix(code, "!")
		switch code {
		case "":
			accepted = append(accepted, resultEntry{ID: id, MessageID: "message-" + id})
		case "-":
		default:
			failed = append(failed, resultEntry{ID: id, Code: code, Message: "about +12025550100", SenderFault: &sender})
		}
	}
	xml.NewEncoder(w).Encode(struct {
		XMLName  xml.Name      `xml:"PublishBatchResponse"`
		Accepted []resultEntry `xml:"PublishBatchResult>Successful>member"`
		Failed   []resultEntry `xml:"PublishBatchResult>Failed>member"`
	}{Accepted: accepted, Failed: failed})
}

func (s *topic) handler(t *testing.T, change ...func(*sns.Config)) *sns.Handler {
	t.Helper()
	cfg := sns.Config{TopicARN: topicARN, Client: awssns.New(awssns.Options{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: awsbatchtest.Client{Handler: s},
	})}
	for _, f := range change {
		f(&cfg)
	}
	h, err := sns.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestMessageIsTheSignedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := &topic{}, awsbatchtest.Event(t, 1)
		h := s.handler(t, func(cfg *sns.Config) { cfg.TopicARN += ".fifo" })
		if err := h.HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		const entry = "PublishBatchRequestEntries.member.1."
		want := map[string]string{
			"Action": "PublishBatch", "TopicArn": topicARN + ".fifo",
			entry + "Message": string(e.Raw), entry + "MessageGroupId": "call-1", entry + "MessageDeduplicationId": e.DeliveryKey(),
		}
		attributes := map[string]string{"X-SIGNATURE": signature.Sign(awsbatchtest.Secret, e.Raw), "X-Wildix-Event": "call:end"}
		got := s.calls[0]
		for i := range 2 {
			prefix := fmt.Sprintf(entry+"MessageAttributes.entry.%d.", i+1)
			name := got.Get(prefix + "Name")
			want[prefix+"Value.StringValue"], want[prefix+"Value.DataType"] = attributes[name], "String"
		}
		for name, value := range want {
			if got.Get(name) != value || value == "" {
				t.Errorf("%s is %q, want %q", name, got.Get(name), value)
			}
		}
	})
}

func TestEachEventHasItsOwnResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := []string{"", "InternalError", "!InvalidParameter", "InvalidParameter", "", "Throttled", "ThrottlingException", "-", "!InvalidMessageContents", "AuthorizationError"}
		want := []awsbatchtest.Kind{"success", "retry", "permanent", "retry", "success", "retry", "unavailable", "retry", "permanent", "retry"}
		s := &topic{refuse: func(call, i int) string {
			if call == 0 {
				return ""
			}
			return refused[i]
		}}
		got := awsbatchtest.HandleAll(t, s.handler(t), awsbatchtest.Events(t, 11))
		if len(s.calls) != 2 || got[0] != nil {
			t.Fatalf("%d calls, first result %v", len(s.calls), got[0])
		}
		for i, err := range got[1:] {
			awsbatchtest.WantKind(t, err, want[i], "SNS topic calls", strings.Trim(strings.TrimPrefix(refused[i], "!"), "-"))
			if err != nil && strings.Contains(err.Error(), "+1202") {
				t.Errorf("%v quotes the event", err)
			}
		}
		if text := got[8].Error(); !strings.Contains(text, "NotInAnswer") {
			t.Error(text)
		}
	})
}

func TestFailureOfACallIsThatOfEachEvent(t *testing.T) {
	for code, test := range map[string]struct {
		status int
		kind   awsbatchtest.Kind
		text   string
	}{
		"Throttling":         {400, awsbatchtest.Unavailable, "Throttling"},
		"AuthorizationError": {403, awsbatchtest.Retry, "allow sns:Publish"},
		"NotFound":           {404, awsbatchtest.Retry, "it does not exist"},
		"InternalError":      {500, awsbatchtest.Retry, "InternalError"},
		"ExpiredToken":       {403, awsbatchtest.Retry, "check the AWS credentials"},
		"KMSAccessDenied":    {400, awsbatchtest.Retry, "allow sns:Publish"},
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &topic{fail: func(int) (int, string) { return test.status, code }}
				for _, err := range awsbatchtest.HandleAll(t, s.handler(t), awsbatchtest.Events(t, 3)) {
					awsbatchtest.WantKind(t, err, test.kind, "SNS topic calls", test.text)
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
		s := &topic{}
		s.fail = func(call int) (int, string) { // calls: 0; 1, 2, 3 together; 1; 2; 3
			if call == 1 || call == 3 {
				return 400, "InvalidParameter"
			}
			return 0, ""
		}
		got := awsbatchtest.HandleAll(t, s.handler(t), awsbatchtest.Events(t, 4))
		if got[0] != nil || got[1] != nil || got[2] == nil || got[3] != nil || len(s.calls) != 5 {
			t.Errorf("results %v of %d calls", got, len(s.calls))
		}
	})
}

func TestTopicDecidesHowLargeEventsMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := &topic{}, awsbatchtest.Event(t, 1)
		e.Raw = fmt.Appendf(nil, `{"id":"call-1","text":"%s"}`, strings.Repeat("x", 256<<10))
		err := s.handler(t).HandleEvent(t.Context(), e)
		awsbatchtest.WantKind(t, err, awsbatchtest.Permanent, "SNS topic calls", "more than the 262144")
		large := s.handler(t, func(cfg *sns.Config) { cfg.MaxMessageSize = 1 << 20 })
		if err := large.HandleEvent(t.Context(), e); err != nil {
			t.Error(err)
		}
		awsbatchtest.WantKind(t, large.Check(t.Context()), awsbatchtest.Success, "", "")
		s.attributes = `<entry><key>MaximumMessageSize</key><value>262144</value></entry>`
		awsbatchtest.WantKind(t, large.Check(t.Context()), awsbatchtest.Retry, "SNS topic calls", "change one of them")
		awsbatchtest.WantKind(t, s.handler(t).Check(t.Context()), awsbatchtest.Success, "", "")
	})
}

func TestCheckNamesTheRemedy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &topic{fail: func(int) (int, string) { return 403, "AuthorizationError" }}
		awsbatchtest.WantKind(t, s.handler(t).Check(t.Context()), awsbatchtest.Retry, "SNS topic calls", "allow sns:GetTopicAttributes")
		slow := s.handler(t, func(cfg *sns.Config) { cfg.Timeout = time.Millisecond })
		awsbatchtest.WantKind(t, slow.Check(t.Context()), awsbatchtest.Retry, "SNS topic calls", "no response in time")
	})
}

func TestEventWithRefusedCharactersIsNotSent(t *testing.T) {
	s, e := &topic{}, awsbatchtest.Event(t, 1)
	e.Raw = []byte("{\"id\":\"\ufffe\"}")
	awsbatchtest.WantKind(t, s.handler(t).HandleEvent(t.Context(), e), awsbatchtest.Permanent, "SNS topic calls", "U+FFFE")
	if len(s.calls) != 0 {
		t.Errorf("%d calls", len(s.calls))
	}
}

func TestValidateNamesEachField(t *testing.T) {
	_, err := sns.New(sns.Config{TopicARN: "calls", MaxMessageSize: 2 << 20, Timeout: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Client: required", `TopicARN: "calls" is not the ARN`, "MaxMessageSize: 2097152", "Timeout: -1ns is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q has no %q", err, want)
		}
	}
	if _, ok := errors.AsType[*events.FieldError](err); !ok {
		t.Errorf("%T", err)
	}
	// A subscription, a queue, no account.
	for _, text := range []string{topicARN + ":1b2c", "arn:aws:sqs:eu-central-1:123456789012:calls", "arn:aws:sns:eu-central-1::calls"} {
		if err := (sns.Config{TopicARN: text}).Validate(); !strings.Contains(err.Error(), "is not the ARN of a topic") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReplayIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := &topic{}, awsbatchtest.Event(t, 1)
		e.Replay = true
		if err := s.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		marked := false
		for i := range 3 {
			prefix := fmt.Sprintf("PublishBatchRequestEntries.member.1.MessageAttributes.entry.%d.", i+1)
			marked = marked || s.calls[0].Get(prefix+"Name") == "X-Wildix-Replay" && s.calls[0].Get(prefix+"Value.StringValue") == "true"
		}
		if !marked {
			t.Errorf("got %v", s.calls[0])
		}
	})
}
