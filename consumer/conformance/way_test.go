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
	"wildix-worker/signature"
)

func TestSignedEventsAreHandledAndDeleted(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		mux := &events.Mux{}
		for _, eventType := range []string{events.CallStart, events.CallUpdate, events.CallEnd} {
			mux.Handle(eventType, events.HandlerFunc(func(_ context.Context, e *events.Event) error {
				if _, ok := e.Data.(*events.Call); !ok || e.Type != eventType || e.ID != "a "+eventType {
					s.t.Errorf("the handler of %s got %+v", eventType, e)
				}
				return nil
			}))
		}
		s.start(mux.HandleEvent)
		for _, eventType := range []string{events.CallStart, events.CallUpdate, events.CallEnd, "chat:message"} {
			body := event("a "+eventType, eventType)
			s.sendRaw(body, signed(body))
		}
		s.eventuallyIDs(events.Handled, "a call:start", "a call:update", "a call:end")
		s.eventuallyIDs(events.Ignored, "a chat:message")
		s.wantHeld(0)
	})
}

func TestRejectedAndMalformedAreNeitherHandledNorDeleted(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		body := event("call-1", events.CallEnd)
		valid := signature.Sign(secret, []byte(body))
		want := map[string]events.Outcome{
			s.sendRaw(body, nil): events.Rejected,
			s.sendRaw(body, attribute("String", signature.Sign("a guess", []byte(body)))): events.Rejected,
			s.sendRaw(body+" ", attribute("String", valid)):                               events.Rejected,
			s.sendRaw(body, attribute("String", strings.ToUpper(valid))):                  events.Rejected,
			s.sendRaw(body, attribute("Binary", valid)):                                   events.Rejected,
			s.sendRaw("not JSON", signed("not JSON")):                                     events.Malformed,
		}
		s.start(succeed, leasing(2*time.Second))
		s.eventually("every message came back", func() bool {
			times := map[string]int{}
			for _, r := range s.all() {
				times[r.MessageID]++
				if r.Outcome != want[r.MessageID] {
					s.t.Fatalf("%s is %s, want %s", r.MessageID, r.Outcome, want[r.MessageID])
				}
			}
			return len(times) == len(want) && !slices.Contains(slices.Collect(maps.Values(times)), 1)
		})
		s.wantHandlers()
		s.wantHeld(len(want))
	})
}

func TestLargestMessageIsHandled(t *testing.T) {
	const attributeSize = len("X-SIGNATURE") + len("String") + signature.Size
	body := strings.TrimSuffix(event("call-1", events.CallEnd), "}") + `,"padding":"`
	body += strings.Repeat("x", events.MaxSize-attributeSize-len(body+`"}`)) + `"}`
	everywhere(t, standard, func(s *site) { s.wantHandledAsSent(body) })
}

// Every character of the basic plane that SQS takes and a careless server
// could change: line ends, markup, compositions, the ends of what is allowed.
func TestBodyArrivesAsItWasSigned(t *testing.T) {
	const odd = "\u260e e\u0301\u00e9 \u007f\u0080\u009f\u00a0\u2028\u2029 \ud7ff\ue000\ufeff\ufffd <&amp;'>%20+ \\u0000\\n\\\""
	body := "\r\n\t {\"company\":\"" + odd + "\",\r\"id\":\"call-1\",\"type\":\"call:end\",\n\"time\":1693389853611}\t\r\n\r\n"
	everywhere(t, standard, func(s *site) { s.wantHandledAsSent(body) })
}

func TestEmojiArriveAsTheyWereSigned(t *testing.T) {
	body := `{"id":"call-1","type":"call:end","time":1693389853611,"company":"` + "\U0001f4de\U0001f469\u200d\U0001f4bb\U00010000\U0010fffd" + `"}`
	everywhere(t, standard, func(s *site) { s.wantHandledAsSent(body) })
}

// wantHandledAsSent sends call-1 and expects its very bytes.
func (s *site) wantHandledAsSent(body string) {
	s.t.Helper()
	s.start(func(_ context.Context, e *events.Event) error {
		if string(e.Raw) != body {
			s.t.Errorf("a body of %d bytes came as %d others", len(body), len(e.Raw))
		}
		return nil
	})
	s.sendRaw(body, signed(body))
	s.eventuallyIDs(events.Handled, "call-1")
	s.wantHeld(0)
}

func TestIdleWorkerWaitsInOnePoll(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		w := s.start(succeed)
		time.Sleep(4 * time.Second) // idle
		sent := time.Now()
		s.send("call-1")
		s.eventuallyIDs(events.Handled, "call-1")
		if waited := time.Since(sent); waited > 5*time.Second {
			s.t.Errorf("handled after %s", waited)
		}
		if n := w.noted(); n.atOnce > 1 || n.receives > 4 {
			s.t.Errorf("%d receives, %d at once; want few, one at a time", n.receives, n.atOnce)
		}
	})
}

func TestMissingQueueHasATypedError(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		_, err := s.client.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(s.url + "-missing")})
		if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
			s.t.Errorf("error is %v", err)
		}
	})
}
