package consumer_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestDeletePolicyDeletesRejectedMessages(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.sendRaw("not JSON", signed("not JSON"))
		s.sendRaw(body("forged"), nil)
		s.start(succeed, func(cfg *consumer.Config) { cfg.OnRejected = consumer.Delete })
		time.Sleep(10 * time.Second)
		s.wantOutcomes("malformed 1 rejected 1")
		s.wantDepth(sqslocal.Depth{})
		s.wantBegun(0)
	})
}

const quarantineQueue = "quarantine"

// quarantining makes a quarantine queue and returns the option that uses it.
func (s *site) quarantining(attributes map[string]string) func(*consumer.Config) {
	s.t.Helper()
	name := quarantineQueue
	if attributes != nil {
		name += ".fifo"
	}
	url, err := s.srv.CreateQueue(name, attributes)
	if err != nil {
		s.t.Fatal(err)
	}
	return func(cfg *consumer.Config) { cfg.OnRejected, cfg.QuarantineQueueURL = consumer.Quarantine, url }
}

// inQuarantine returns the messages of the quarantine queue by body.
func (s *site) inQuarantine(name string) map[string]types.Message {
	s.t.Helper()
	byBody := make(map[string]types.Message)
	url := strings.Replace(s.url, s.name, name, 1)
	for {
		out, err := s.client.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return byBody
		}
		for _, m := range out.Messages {
			byBody[*m.Body] = m
		}
	}
}

func TestQuarantineHasTheMessageAndTheReason(t *testing.T) {
	within(t, queueName, func(s *site) {
		quarantining := s.quarantining(nil)
		s.sendRaw("not JSON", signed("not JSON"))
		s.sendRaw(body("unsigned"), nil)
		s.sendRaw(body("tampered"), signed(body("original")))
		s.sendRaw(body("binary"), attribute("Binary", "\x00\xff"))
		s.send("call-1")
		s.start(succeed, quarantining)
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 1 malformed 1 rejected 3")
		s.wantDepth(sqslocal.Depth{})
		s.stop()
		s.wantDrained("quarantined", 4)

		got := s.inQuarantine(quarantineQueue)
		if bodies := slices.Sorted(maps.Keys(got)); len(bodies) != 4 {
			t.Fatalf("in quarantine are %q", bodies)
		}
		text := func(body, name string) string { return aws.ToString(got[body].MessageAttributes[name].StringValue) }
		for body, want := range map[string][2]string{
			"not JSON":       {"malformed", "malformed event: not JSON at byte 2"},
			body("unsigned"): {"rejected", "signature missing"},
			body("tampered"): {"rejected", "signature mismatch"},
			body("binary"):   {"rejected", "the attribute X-SIGNATURE is not a String"},
		} {
			if outcome, reason := text(body, "WILDIX-OUTCOME"), text(body, "WILDIX-REASON"); outcome != want[0] || reason != want[1] {
				t.Errorf("%s is in quarantine because it is %q: %q, want %q", body, outcome, reason, want)
			}
			if text(body, "WILDIX-MESSAGE-ID") == "" {
				t.Errorf("%s has no message id", body)
			}
		}
		if text("not JSON", "X-SIGNATURE") != *signed("not JSON")["X-SIGNATURE"].StringValue {
			t.Error("the signature is not the one that came")
		}
		if string(got[body("binary")].MessageAttributes["X-SIGNATURE"].BinaryValue) != "\x00\xff" {
			t.Error("the binary attribute is not the one that came")
		}
		if _, ok := got[body("unsigned")].MessageAttributes["X-SIGNATURE"]; ok {
			t.Error("the unsigned message got a signature")
		}
	})
}

func TestQuarantineCanBeAFIFOQueue(t *testing.T) {
	within(t, queueName, func(s *site) {
		quarantining := s.quarantining(map[string]string{"FifoQueue": "true"})
		s.sendRaw(body("unsigned"), nil)
		s.start(succeed, quarantining)
		time.Sleep(10 * time.Second)
		s.wantDepth(sqslocal.Depth{})
		if got := s.inQuarantine(quarantineQueue + ".fifo"); len(got) != 1 {
			t.Errorf("in quarantine are %d messages", len(got))
		}
	})
}

func TestMessageThatCannotBeQuarantinedIsLeft(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"call fails":    {Status: 403, Code: "AccessDeniedException"},
		"entries fail":  {FailEntries: 10},
		"lost requests": {DropBefore: true},
		"lost answers":  {DropAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				fault.Action = "SendMessageBatch"
				quarantining := s.quarantining(nil)
				s.sendRaw(body("unsigned"), nil)
				s.send(ids(5)...)
				works := s.srv.Inject(fault)
				s.start(succeed, quarantining)
				time.Sleep(50 * time.Second)
				s.wantOutcomes("handled 5 rejected 1")
				s.wantDepth(sqslocal.Depth{InFlight: 1})
				works()
				time.Sleep(time.Minute)
				s.wantDepth(sqslocal.Depth{})
				if got := s.inQuarantine(quarantineQueue); len(got) != 1 {
					t.Errorf("in quarantine are %d messages", len(got))
				}
			})
		})
	}
}

func TestLargestMessagesFitIntoQuarantine(t *testing.T) {
	within(t, queueName, func(s *site) {
		quarantining := s.quarantining(nil)
		for i, size := range []int{events.MaxSize, events.MaxSize, events.MaxSize - 100, events.MaxSize / 2, events.MaxSize / 2, 100} {
			s.sendRaw(strings.Repeat(string(rune('a'+i)), size), nil)
		}
		s.start(succeed, quarantining)
		time.Sleep(10 * time.Second)
		s.wantDepth(sqslocal.Depth{})
		got := s.inQuarantine(quarantineQueue)
		if len(got) != 6 {
			t.Errorf("in quarantine are %d messages", len(got))
		}
		for body, m := range got {
			if explained := len(m.MessageAttributes) == 3; explained != (len(body) < events.MaxSize-200) {
				t.Errorf("the message of %d bytes has %d attributes", len(body), len(m.MessageAttributes))
			}
		}
	})
}

func TestUnconfirmedDeleteDoesNotQuarantineTwice(t *testing.T) {
	within(t, queueName, func(s *site) {
		quarantining := s.quarantining(nil)
		one := s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 500})
		two := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
		s.sendRaw(body("unsigned"), nil)
		s.start(succeed, quarantining)
		time.Sleep(90 * time.Second)
		one()
		two()
		time.Sleep(time.Minute)
		s.wantDepth(sqslocal.Depth{})
		if depth := s.srv.Depth(quarantineQueue); depth.Visible != 1 {
			t.Errorf("quarantine holds %+v", depth)
		}
	})
}

func TestSlowQuarantineDoesNotStopReceiving(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"hangs":     {Hang: true},
		"throttles": {Code: "RequestThrottled"},
		"is slow":   {Delay: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				quarantining := s.quarantining(nil)
				for range 3000 {
					s.sendRaw(body("forged"), nil)
				}
				fault.Action = "SendMessageBatch"
				fault.Queue = quarantineQueue
				s.srv.Inject(fault)
				s.start(succeed, quarantining, func(cfg *consumer.Config) { cfg.Concurrency = 10 })
				time.Sleep(10 * time.Second)
				s.send("call-1", "call-2", "call-3")
				time.Sleep(time.Minute)
				s.wantBegun(3)
			})
		})
	}
}

func TestQuarantineQueueMustBeAnotherQueue(t *testing.T) {
	const queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/calls"
	for _, same := range []string{queue, "https://SQS.eu-central-1.amazonaws.com/123456789012/calls", "https://eu-central-1.queue.amazonaws.com/123456789012/calls"} {
		err := consumer.Config{QueueURL: queue, Keys: keyring(t, key), Handler: events.HandlerFunc(succeed),
			OnRejected: consumer.Quarantine, QuarantineQueueURL: same}.Validate()
		if err == nil || !strings.Contains(err.Error(), "QuarantineQueueURL: the same as the queue that is consumed") {
			t.Errorf("%s: %v", same, err)
		}
	}
}
