package consumer_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

// The tests whose names begin with TestComplaint and a number each check that this
// consumer does not have a fault that users of other consumers have reported:
//
//	 1 a receive hangs for ever after the network was lost
//	 2 deletes that wait to share a call are forgotten at the stop
//	 3 messages of an answer after the stop stay invisible
//	 4 it goes on receiving after it was stopped
//	 5 one odd message or missing permission ends it unnoticed
//	 6 one error of SQS or of the name server ends it
//	 7 the slowest message of a batch delays the other nine
//	 8 deletes that fail within a batch are not noticed
//	 9 a message that is received twice fails its delete batch
//	10 an extension races a delete, or undoes the delay of a return
//	11 a stale receipt handle is extended again and again
//	12 a delete with an older receipt handle counts as done
//	13 failed messages are delivered again at once and make an outage worse
//	14 messages of a busy worker that is scaled in stay invisible
//	15 messages are received while no worker is free
//	16 expired credentials make it call without a pause
//	17 the signature attribute is not requested, or panics if it is not a String
//	18 it changes the body, so that the signature is wrong
//	19 it creates a queue if the name is mistyped

func TestComplaint05OddMessagesAndMissingPermissionsDoNotEndIt(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.keepFailed()
		denied := []func(){
			s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 403, Code: "AccessDeniedException"}),
			s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 403, Code: "AccessDeniedException"}),
		}
		s.sendRaw("\x09", attribute("String.custom", "\U0001f4de"))
		s.sendRaw("\"", attribute("Number", "1"))
		s.sendRaw("{}", attribute("Binary", "\x00"))
		s.sendRaw("[]", signed("[]"))
		s.send("fails", "panics", "exits", "call-1")
		s.start(func(ctx context.Context, e *events.Event) error {
			switch e.ID {
			case "fails":
				return errDown
			case "panics":
				panic(e)
			case "exits":
				runtime.Goexit()
			}
			return nil
		})
		time.Sleep(time.Hour)
		for _, allow := range denied {
			allow()
		}
		time.Sleep(time.Minute)
		s.send("call-2")
		time.Sleep(10 * time.Second)
		if !slices.Contains(s.begun(), "call-2") {
			t.Errorf("after an hour, handlers began for %q", s.begun())
		}
		s.wantDepth(sqslocal.Depth{Visible: 0, InFlight: 7}) // four odd ones, three that fail
	})
}

// repeating answers with each message twice, and checks the ids of batches.
type repeating struct {
	consumer.SQS
	t       *testing.T
	mu      sync.Mutex
	deletes int
}

func (r *repeating) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	half := *in
	half.MaxNumberOfMessages = (in.MaxNumberOfMessages + 1) / 2
	out, err := r.SQS.ReceiveMessage(ctx, &half, options...)
	if err == nil && in.MaxNumberOfMessages > 1 {
		out.Messages = append(out.Messages, out.Messages...)
	}
	return out, err
}

func (r *repeating) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	seen := map[string]bool{}
	for i, entry := range in.Entries {
		if *entry.Id != strconv.Itoa(i) || seen[*entry.ReceiptHandle] {
			r.t.Errorf("entry %d has the id %s, seen before: %v", i, *entry.Id, seen[*entry.ReceiptHandle])
		}
		seen[*entry.ReceiptHandle] = true
	}
	r.mu.Lock()
	r.deletes += len(in.Entries)
	r.mu.Unlock()
	return r.SQS.DeleteMessageBatch(ctx, in, options...)
}

func TestComplaint09MessageReceivedTwiceDoesNotFailItsBatch(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(40)...)
		client := &repeating{SQS: s.client, t: t}
		s.startWith(client, working(time.Second))
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 40")
		s.wantDepth(sqslocal.Depth{})
		if client.deletes != 40 {
			t.Errorf("%d deletes for 40 messages", client.deletes)
		}
	})
}

func TestComplaint17SignatureThatIsNotAStringIsRejected(t *testing.T) {
	within(t, queueName, func(s *site) {
		sig := *signed(body("call-1"))["X-SIGNATURE"].StringValue
		s.sendRaw(body("call-1"), attribute("Binary", sig))
		s.sendRaw(body("call-1"), attribute("String.hex", sig))
		s.start(succeed)
		time.Sleep(time.Second)
		s.wantOutcomes("rejected 2")
		s.wantBegun(0)
	})
}

// absent answers with messages that lack every optional field.
type absent struct {
	consumer.SQS
	once sync.Once
}

func (a *absent) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (out *sqs.ReceiveMessageOutput, err error) {
	a.once.Do(func() {
		out = &sqs.ReceiveMessageOutput{Messages: []types.Message{{}, {MessageAttributes: map[string]types.MessageAttributeValue{"X-SIGNATURE": {}}}}}
	})
	if out != nil {
		return out, nil
	}
	return a.SQS.ReceiveMessage(ctx, in, options...)
}

func TestComplaint17AbsentFieldsDoNotPanic(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send("call-1")
		s.startWith(&absent{SQS: s.client}, succeed)
		time.Sleep(2 * time.Minute)
		s.wantBegun(1)
	})
}

func TestComplaint18BodyIsHandledAsItWasSigned(t *testing.T) {
	event := body("call-1")
	within(t, queueName, func(s *site) {
		for _, body := range []string{
			" \r\n" + event + "\t",
			fmt.Sprintf(`{"Type":"Notification","Message":%q,"id":"sns","type":"call:end","time":1693389853611}`, event),
			`{"id":"\u0065scaped \/ &amp; %20","type":"call:end","time":1693389853611}`,
		} {
			s.sendRaw(body, signed(body))
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(event))
		s.sendRaw(encoded, signed(encoded)) // signed, but no event
		s.start(succeed)
		time.Sleep(time.Second)
		s.wantOutcomes("handled 3 malformed 1")
		got := slices.Sorted(slices.Values(s.begun()))
		if want := []string{"call-1", "escaped / &amp; %20", "sns"}; !slices.Equal(got, want) {
			t.Errorf("handled %q, want %q", got, want)
		}
	})
}

func TestComplaint19MissingQueueIsNotCreated(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.url += "-typing-error"
		before := s.srv.Calls("CreateQueue")
		s.start(succeed)
		time.Sleep(time.Minute)
		if n := s.srv.Calls("CreateQueue") - before; n != 0 {
			t.Errorf("%d queues were created", n)
		}
	})
}
