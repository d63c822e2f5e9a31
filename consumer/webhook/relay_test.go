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
	"wildix-worker/signature"
)

// yard is a relay and its queue, in a bubble.
type yard struct {
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

// withRelay runs a test in a bubble with a relay to a queue of the given name.
func withRelay(t *testing.T, name string, test func(y *yard)) {
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
		test(&yard{t: t, srv: srv, url: url, relay: relay, logs: logs})
		fatal(t, relay.Close())
	})
}

// handle has the relay handle a signed event, within what a PBX waits.
func (y *yard) handle(body string) error {
	ctx, cancel := context.WithTimeout(y.t.Context(), webhook.DefaultAnswerWithin)
	defer cancel()
	e, err := events.Decode([]byte(body))
	fatal(y.t, err)
	e.Signature = sign(body)
	return y.relay.HandleEvent(ctx, e)
}

// handleAll does so with several at once, begun one after the other, and
// returns what came of each and the longest that one took.
func (y *yard) handleAll(bodies ...string) (errs []error, longest time.Duration) {
	errs = make([]error, len(bodies))
	took := make([]time.Duration, len(bodies))
	var handling sync.WaitGroup
	for i, body := range bodies {
		handling.Go(func() {
			begun := time.Now()
			errs[i] = y.handle(body)
			took[i] = time.Since(begun)
		})
		synctest.Wait()
	}
	handling.Wait()
	return errs, slices.Max(took)
}

// received empties the queue, and returns its bodies in order. Each must be
// signed.
func (y *yard) received() []string {
	y.t.Helper()
	client := y.srv.Client()
	var bodies []string
	for {
		out, err := client.ReceiveMessage(y.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &y.url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		fatal(y.t, err)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			if err := signature.Verify(secret, []byte(*m.Body), *m.MessageAttributes["X-SIGNATURE"].StringValue); err != nil {
				y.t.Errorf("a message of the queue: %v", err)
			}
			bodies = append(bodies, *m.Body)
			_, err := client.DeleteMessage(y.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &y.url, ReceiptHandle: m.ReceiptHandle})
			fatal(y.t, err)
		}
	}
}

func (y *yard) wantReceived(want ...string) {
	y.t.Helper()
	got := y.received()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		y.t.Errorf("on the queue: %d bodies, want %d:\n%q\n%q", len(got), len(want), got, want)
	}
}

func (y *yard) wantCalls(want int) {
	y.t.Helper()
	if calls := y.srv.Calls(sendAction); calls != want {
		y.t.Errorf("%d calls, want %d", calls, want)
	}
}

func bodies(n int) []string {
	var all []string
	for i := range n {
		all = append(all, event(fmt.Sprint("call-", i)))
	}
	return all
}

func TestRelayPutsEventsOnTheQueueAsTheyCame(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		odd := "{ \"id\":\"1\",\r\n\"type\":\"call:end\",\t\"time\":1693389853611,\"company\":\"\u00e9 \U0001f4de \\u0000\"}"
		fatal(t, y.handle(odd))
		y.wantReceived(odd)
	})
}

func TestLoneEventIsSentAtOnce(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		begun := time.Now()
		fatal(t, y.handle(event("1")))
		if took := time.Since(begun); took != sqslocal.DefaultLatency {
			t.Errorf("took %s, want the server's latency", took)
		}
	})
}

func TestEventsAreBatchedWhileACallIsUnderWay(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 15 * time.Millisecond, Count: 1})
		all := bodies(21)
		errs, longest := y.handleAll(all...)
		fatal(t, errors.Join(errs...))
		y.wantCalls(3) // the first one alone, and two full batches
		if longest > 15*time.Millisecond+2*sqslocal.DefaultLatency {
			t.Errorf("an event took %s", longest)
		}
		y.wantReceived(all...)
	})
}

func TestNoEventWaitsForOthersLongerThanPromised(t *testing.T) {
	const promised = 20 * time.Millisecond
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: time.Second, Count: 1})
		var handling sync.WaitGroup
		handling.Go(func() { fatal(t, y.handle(event("slow"))) })
		synctest.Wait()
		errs, longest := y.handleAll(bodies(3)...)
		fatal(t, errors.Join(errs...))
		if longest != promised+sqslocal.DefaultLatency {
			t.Errorf("an event took %s", longest)
		}
		handling.Wait()
		y.wantCalls(2)
	})
}

func TestLastCallTakesAlongWhatWaits(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 4 * time.Millisecond, Count: 1})
		errs, longest := y.handleAll(bodies(3)...)
		fatal(t, errors.Join(errs...))
		if longest > 10*time.Millisecond {
			t.Errorf("an event took %s, though no call was under way", longest)
		}
		y.wantCalls(2)
	})
}

func TestBatchesFitWhatSQSTakes(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 15 * time.Millisecond, Count: 1})
		var all []string
		for i := range 7 {
			all = append(all, strings.TrimSuffix(event(fmt.Sprint(i)), "}")+`,"padding":"`+strings.Repeat("x", 300<<10)+`"}`)
		}
		errs, _ := y.handleAll(all...)
		fatal(t, errors.Join(errs...))
		y.wantReceived(all...)
		y.wantCalls(3)
	})
}

func TestWhatSQSNeverTakesFailsForGood(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		large := strings.TrimSuffix(event("1"), "}") + `,"padding":"`
		large += strings.Repeat("x", events.MaxSize-len(large)-2) + `"}`
		for name, body := range map[string]string{
			"too large with its signature": large,
			"a noncharacter":               strings.Replace(event("1"), "8qkmnq", "\uffff", 1),
			"not UTF-8":                    strings.Replace(event("1"), "8qkmnq", "\xff", 1),
		} {
			if err := y.handle(body); !events.IsPermanent(err) {
				t.Errorf("%s: error %v is not permanent", name, err)
			}
		}
		y.wantCalls(0)
	})
}

func TestRefusedEntryDoesNotHoldUpTheOthers(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 5 * time.Millisecond, Count: 1})
		y.srv.Inject(sqslocal.Fault{Action: sendAction, FailEntries: 1, Code: "InvalidMessageContents"})
		errs, _ := y.handleAll(bodies(4)...) // the first alone, then the rest
		if errs[0] != nil || !events.IsPermanent(errs[1]) || errs[2] != nil || errs[3] != nil {
			t.Errorf("errors %v", errs)
		}
		y.wantReceived(slices.Delete(bodies(4), 1, 2)...)
	})
}

func TestFailedEntriesAreSentAgain(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 5 * time.Millisecond, Count: 1})
		y.srv.Inject(sqslocal.Fault{Action: sendAction, FailEntries: 2, Count: 4})
		errs, _ := y.handleAll(bodies(11)...)
		fatal(t, errors.Join(errs...))
		y.wantReceived(bodies(11)...)
	})
}

func TestShortOutageIsSatOut(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"refusing": {Status: 503}, "throttling": {Code: "RequestThrottled"}, "dropping": {DropBefore: true}, "hanging": {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			withRelay(t, standard, func(y *yard) {
				fault.Action = sendAction
				mend := y.srv.Inject(fault)
				time.AfterFunc(2*time.Second, mend)
				errs, longest := y.handleAll(bodies(12)...)
				fatal(t, errors.Join(errs...))
				if longest > 4*time.Second {
					t.Errorf("an event took %s", longest)
				}
				y.wantReceived(bodies(12)...)
				if lines := y.logs.FilterMessage("SQS call failing, will go on trying").Len(); lines != 1 {
					t.Errorf("%d lines about the outage", lines)
				}
			})
		})
	}
}

func TestRelayGivesUpWithItsContext(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		mend := y.srv.Inject(sqslocal.Fault{Action: sendAction, Status: 503})
		errs, longest := y.handleAll(bodies(12)...)
		for _, err := range errs {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		}
		if longest != webhook.DefaultAnswerWithin {
			t.Errorf("an event took %s", longest)
		}
		mend()
		time.Sleep(time.Minute)
		y.wantReceived() // nobody is told that they were sent, so they are not
	})
}

func TestCallsAtOnceAreLimited(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: time.Second})
		var handling sync.WaitGroup
		for _, body := range bodies(1000) {
			handling.Go(func() { fatal(t, y.handle(body)) })
		}
		time.Sleep(500 * time.Millisecond)
		y.wantCalls(32)
		handling.Wait()
		y.wantReceived(bodies(1000)...)
	})
}

func TestFIFOQueueKeepsTheOrderOfACall(t *testing.T) {
	withRelay(t, fifo, func(y *yard) {
		var all []string
		for i := range 60 {
			all = append(all, strings.TrimSuffix(event("call-1"), "}")+fmt.Sprintf(`,"n":%d}`, i))
		}
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Status: 503, Count: 3})
		errs, _ := y.handleAll(all...)
		fatal(t, errors.Join(errs...))
		if got := y.received(); !slices.Equal(got, all) {
			t.Errorf("on the queue: %q", got)
		}
	})
}

func TestFIFOQueueLeavesOutRepeatsAndTakesAnyID(t *testing.T) {
	withRelay(t, fifo, func(y *yard) {
		long, foreign := event(strings.Repeat("x", 129)), event("call 1 \u00e9")
		for _, body := range []string{event("1"), event("1"), long, foreign} {
			fatal(t, y.handle(body))
		}
		y.wantReceived(event("1"), long, foreign)
	})
}

func TestRelayWantsAQueue(t *testing.T) {
	if _, err := webhook.NewRelay(nil, "calls", nil); err == nil || !strings.Contains(err.Error(), `"calls" is not a queue URL`) {
		t.Errorf("error %v", err)
	}
}

// In queue mode there is a relay behind a receiver.
func TestAnswerWaitsForTheQueue(t *testing.T) {
	withRelay(t, standard, func(y *yard) {
		s := newSite(y.t, webhook.Config{Handler: y.relay})
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: time.Second})
		a := s.send("1")
		s.want(a, http.StatusNoContent)
		if a.took < time.Second {
			t.Errorf("answered after %s", a.took)
		}
		y.wantReceived(event("1"))
		s.stop()
		fatal(t, <-s.done)
		s.client.CloseIdleConnections()
	})
}

// One call at a time is all that a FIFO queue gets, so it has to be full when there
// is more to send.
func TestFIFOQueueTakesWhatComesDuringACallTogether(t *testing.T) {
	withRelay(t, fifo, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 100 * time.Millisecond})
		var handling sync.WaitGroup
		for _, body := range bodies(400) { // 80 a second, of the 100 that full calls carry
			handling.Go(func() { fatal(t, y.handle(body)) })
			time.Sleep(time.Second / 80)
		}
		handling.Wait()
		y.wantReceived(bodies(400)...)
	})
}

func TestEventThatOneQueueRefusesDoesNotHoldUpTheLine(t *testing.T) {
	withRelay(t, fifo, func(y *yard) {
		y.srv.Inject(sqslocal.Fault{Action: sendAction, FailEntries: 1, Status: 400, Code: "InvalidParameterValue", Count: 1})
		if err := y.handle(event("1")); !events.IsPermanent(err) {
			t.Errorf("error %v is not permanent", err)
		}
		fatal(t, y.handle(event("2")))
	})
}
