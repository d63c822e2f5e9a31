package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// A testRelay is a relay and its queue, in a synctest bubble.
type testRelay struct {
	t     *testing.T
	srv   *sqslocal.Server
	url   string
	relay *webhook.Relay
	logs  *observer.ObservedLogs
}

const (
	standard   = "calls"
	fifo       = "calls.fifo"
	sendAction = "SendMessageBatch"
)

// withRelay runs a test in a synctest bubble, with a relay to a queue with the given
// name.
func withRelay(t *testing.T, name string, test func(r *testRelay)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := sqslocal.New(sqslocal.Options{})
		srv.StartPipe()
		defer srv.Close()
		attributes := map[string]string{}
		if name == fifo {
			attributes["FifoQueue"] = "true"
		}
		url, err := srv.CreateQueue(name, attributes)
		fatal(t, err)
		core, logs := observer.New(zap.DebugLevel)
		relay, err := webhook.NewRelay(srv.Client(), url, zap.New(core))
		fatal(t, err)
		test(&testRelay{t: t, srv: srv, url: url, relay: relay, logs: logs})
		fatal(t, relay.Close())
	})
}

// handle passes a signed event to the relay, with the time limit of a receiver.
func (r *testRelay) handle(body string) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), webhook.DefaultAnswerWithin)
	defer cancel()
	e, err := events.Decode([]byte(body))
	fatal(r.t, err)
	e.Signature = sign(body)
	return r.relay.HandleEvent(ctx, e)
}

// handleAll handles events concurrently, started one after the other. It returns the
// error of each, and the longest time that one took.
func (r *testRelay) handleAll(bodies ...string) (errs []error, longest time.Duration) {
	errs = make([]error, len(bodies))
	took := make([]time.Duration, len(bodies))
	var handling sync.WaitGroup
	for i, body := range bodies {
		handling.Go(func() {
			start := time.Now()
			errs[i] = r.handle(body)
			took[i] = time.Since(start)
		})
		synctest.Wait()
	}
	handling.Wait()
	return errs, slices.Max(took)
}

// received empties the queue and returns the bodies in order. It checks their
// signatures.
func (r *testRelay) received() []string {
	r.t.Helper()
	client := r.srv.Client()
	var bodies []string
	for {
		out, err := client.ReceiveMessage(r.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &r.url, MaxNumberOfMessages: sqscall.MaxBatch, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		fatal(r.t, err)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			if err := signature.Verify(secret, []byte(*m.Body), *m.MessageAttributes[sqscall.SignatureAttribute].StringValue); err != nil {
				r.t.Errorf("message on the queue: %v", err)
			}
			bodies = append(bodies, *m.Body)
			_, err := client.DeleteMessage(r.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &r.url, ReceiptHandle: m.ReceiptHandle})
			fatal(r.t, err)
		}
	}
}

func (r *testRelay) wantReceived(want ...string) {
	r.t.Helper()
	got := r.received()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.t.Errorf("on the queue: %d bodies, want %d:\n%q\n%q", len(got), len(want), got, want)
	}
}

func (r *testRelay) wantCalls(want int) {
	r.t.Helper()
	if calls := r.srv.Calls(sendAction); calls != want {
		r.t.Errorf("%d calls, want %d", calls, want)
	}
}

func bodies(n int) []string {
	var all []string
	for i := range n {
		all = append(all, event(fmt.Sprint("call-", i)))
	}
	return all
}

func TestRelaySendsEventAsReceived(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		odd := "{ \"id\":\"1\",\r\n\"type\":\"call:end\",\t\"time\":1693389853611,\"company\":\"\u00e9 \U0001f4de \\u0000\"}"
		fatal(t, r.handle(odd))
		r.wantReceived(odd)
	})
}

func TestUnsendableEventFailsPermanently(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		large := strings.TrimSuffix(event("1"), "}") + `,"padding":"`
		large += strings.Repeat("x", events.MaxSize-len(large)-2) + `"}`
		for name, body := range map[string]string{
			"too large with signature": large,
			"a noncharacter":           strings.Replace(event("1"), "8qkmnq", "\uffff", 1),
			"not UTF-8":                strings.Replace(event("1"), "8qkmnq", "\xff", 1),
		} {
			if err := r.handle(body); !events.IsPermanent(err) {
				t.Errorf("%s: error %v is not permanent", name, err)
			}
		}
		r.wantCalls(0)
	})
}

func TestRelayStopsRetryingWhenContextEnds(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		restore := r.srv.Inject(sqslocal.Fault{Action: sendAction, Status: 503})
		errs, longest := r.handleAll(bodies(12)...)
		for _, err := range errs {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		}
		if longest != webhook.DefaultAnswerWithin {
			t.Errorf("an event took %s", longest)
		}
		restore()
		time.Sleep(time.Minute)
		r.wantReceived() // events are not sent after their handling has failed
	})
}

func TestFIFOQueueKeepsOrderOfCall(t *testing.T) {
	withRelay(t, fifo, func(r *testRelay) {
		var all []string
		for i := range 60 {
			all = append(all, strings.TrimSuffix(event("call-1"), "}")+fmt.Sprintf(`,"n":%d}`, i))
		}
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Status: 503, Count: 3})
		errs, _ := r.handleAll(all...)
		fatal(t, errors.Join(errs...))
		if got := r.received(); !slices.Equal(got, all) {
			t.Errorf("on the queue: %q", got)
		}
	})
}

func TestFIFOQueueDropsRepeatsAndAcceptsAnyID(t *testing.T) {
	withRelay(t, fifo, func(r *testRelay) {
		long, foreign := event(strings.Repeat("x", 129)), event("call 1 \u00e9")
		for _, body := range []string{event("1"), event("1"), long, foreign} {
			fatal(t, r.handle(body))
		}
		r.wantReceived(event("1"), long, foreign)
	})
}

func TestNewRelayChecksQueueURL(t *testing.T) {
	if _, err := webhook.NewRelay(nil, "calls", nil); err == nil || !strings.Contains(err.Error(), `"calls" is not a queue URL`) {
		t.Errorf("error %v", err)
	}
}

// With a queue, the receiver's handler is a relay.
func TestAnswerWaitsForSQS(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		s := newTestServer(r.t, webhook.Config{Handler: r.relay})
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: time.Second})
		a := s.send("1")
		s.want(a, http.StatusNoContent)
		if a.took < time.Second {
			t.Errorf("answered after %s", a.took)
		}
		r.wantReceived(event("1"))
		s.stop()
		fatal(t, <-s.done)
		s.client.CloseIdleConnections()
	})
}
