package conformance_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

func TestSignedEventsAreHandledAndDeleted(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		mux := &events.Mux{}
		for _, eventType := range []string{events.CallStart, events.CallUpdate, events.CallEnd} {
			mux.Handle(eventType, events.HandlerFunc(func(_ context.Context, e *events.Event) error {
				if _, ok := e.Data.(*events.Call); !ok || e.Type != eventType || e.ID != "a "+eventType {
					q.t.Errorf("the handler of %s got %+v", eventType, e)
				}
				return nil
			}))
		}
		q.start(mux.HandleEvent)
		for _, eventType := range []string{events.CallStart, events.CallUpdate, events.CallEnd, "chat:message"} {
			body := event("a "+eventType, eventType)
			q.sendRaw(body, signed(body))
		}
		q.wantEventually(events.Handled, "a call:start", "a call:update", "a call:end")
		q.wantEventually(events.Ignored, "a chat:message")
		q.wantDepth(0)
	})
}

func TestRejectedAndMalformedAreNeitherHandledNorDeleted(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		body := event("call-1", events.CallEnd)
		valid := signature.Sign(secret, []byte(body))
		want := map[string]events.Outcome{
			q.sendRaw(body, nil): events.Rejected,
			q.sendRaw(body, attribute("String", signature.Sign("a guess", []byte(body)))): events.Rejected,
			q.sendRaw(body+" ", attribute("String", valid)):                               events.Rejected,
			q.sendRaw(body, attribute("String", strings.ToUpper(valid))):                  events.Rejected,
			q.sendRaw(body, attribute("Binary", valid)):                                   events.Rejected,
			q.sendRaw("not JSON", signed("not JSON")):                                     events.Malformed,
		}
		q.start(succeed, withLease(2*time.Second))
		q.eventually("every message is received twice", func() bool {
			times := map[string]int{}
			for _, r := range q.observed() {
				times[r.MessageID]++
				if r.Outcome != want[r.MessageID] {
					q.t.Fatalf("%s is %s, want %s", r.MessageID, r.Outcome, want[r.MessageID])
				}
			}
			return len(times) == len(want) && !slices.Contains(slices.Collect(maps.Values(times)), 1)
		})
		q.wantStarted()
		q.wantDepth(len(want))
	})
}

func TestLargestMessageIsHandled(t *testing.T) {
	const attributeSize = len(sqscall.SignatureAttribute) + len("String") + signature.Size
	body := strings.TrimSuffix(event("call-1", events.CallEnd), "}") + `,"padding":"`
	body += strings.Repeat("x", events.MaxSize-attributeSize-len(body+`"}`)) + `"}`
	onEveryServer(t, standard, func(q *testQueue) { q.wantHandledAsSent(body) })
}

// The body has characters that SQS accepts but a server might change: line endings, markup,
// composed characters, and the limits of the allowed ranges. All are in the basic plane.
func TestBodyArrivesUnchanged(t *testing.T) {
	const odd = "\u260e e\u0301\u00e9 \u007f\u0080\u009f\u00a0\u2028\u2029 \ud7ff\ue000\ufeff\ufffd <&amp;'>%20+ \\u0000\\n\\\""
	body := "\r\n\t {\"company\":\"" + odd + "\",\r\"id\":\"call-1\",\"type\":\"call:end\",\n\"time\":1693389853611}\t\r\n\r\n"
	onEveryServer(t, standard, func(q *testQueue) { q.wantHandledAsSent(body) })
}

func TestEmojiArriveUnchanged(t *testing.T) {
	body := `{"id":"call-1","type":"call:end","time":1693389853611,"company":"` + "\U0001f4de\U0001f469\u200d\U0001f4bb\U00010000\U0010fffd" + `"}`
	onEveryServer(t, standard, func(q *testQueue) { q.wantHandledAsSent(body) })
}

// wantHandledAsSent sends a body with the id call-1, and checks that a handler gets the same
// bytes.
func (q *testQueue) wantHandledAsSent(body string) {
	q.t.Helper()
	q.start(func(_ context.Context, e *events.Event) error {
		if string(e.Raw) != body {
			q.t.Errorf("a body of %d bytes arrived as %d different bytes", len(body), len(e.Raw))
		}
		return nil
	})
	q.sendRaw(body, signed(body))
	q.wantEventually(events.Handled, "call-1")
	q.wantDepth(0)
}

func TestIdleWorkerMakesOnePollAtATime(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		w := q.start(succeed)
		time.Sleep(4 * time.Second) // idle
		sent := time.Now()
		q.send("call-1")
		q.wantEventually(events.Handled, "call-1")
		if waited := time.Since(sent); waited > 5*time.Second {
			q.t.Errorf("handled after %s", waited)
		}
		if n := w.recorded(); n.maxPolls > 1 || n.receives > 4 {
			q.t.Errorf("%d receives, %d at once; want at most 4, one at a time", n.receives, n.maxPolls)
		}
	})
}

func TestMissingQueueHasTypedError(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		_, err := q.client.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(q.url + "-missing")})
		if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
			q.t.Errorf("error %v, want QueueDoesNotExist", err)
		}
	})
}
