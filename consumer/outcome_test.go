package consumer_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap/zapcore"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/signature"
)

func TestHandledIsDeleted(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		s.send(ids(25)...)
		time.Sleep(2 * time.Second)
		s.wantOutcomes("handled 25")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestDeleteWaitsForHandler(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(20 * time.Second))
		s.send("slow")
		time.Sleep(19 * time.Second)
		s.wantBegun(1)
		s.wantDepth(sqslocal.Depth{InFlight: 1})
		if n := s.srv.Calls("DeleteMessageBatch"); n != 0 {
			t.Errorf("%d deletes while the handler runs", n)
		}
		time.Sleep(2 * time.Second)
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestNoHandlerIsIgnoredAndDeleted(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error { return events.ErrNoHandler })
		s.send("call-1")
		time.Sleep(time.Second)
		s.wantOutcomes("ignored 1")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestComplaint07SlowMessageDoesNotBlockTheOtherNine(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(10)...)
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "call-0" {
				return working(25*time.Second)(ctx, e)
			}
			return nil
		})
		time.Sleep(2 * time.Second)
		s.wantOutcomes("handled 9")
		s.wantDepth(sqslocal.Depth{InFlight: 1})
		s.send("more", "and more")
		time.Sleep(2 * time.Second)
		s.wantOutcomes("handled 11")
	})
}

func TestRejectedIsLeftForTheDeadLetterQueue(t *testing.T) {
	const ofAnother = `{"id":"call-1","type":"call:end","time":1693389853611,"integrationId":"another"}`
	within(t, queueName, func(s *site) {
		valid := signature.Sign(secret, []byte(body("call-1")))
		s.sendRaw(body("call-1"), nil)
		s.sendRaw(body("call-1"), attribute("String", "0000"))
		s.sendRaw(body("call-1"), attribute("String", strings.ToUpper(valid)))
		s.sendRaw(body("call-1"), attribute("String", signature.Sign("guess", []byte(body("call-1")))))
		s.sendRaw(body("call-1")+" ", signed(body("call-1")))
		s.sendRaw(body("call-1"), attribute("Binary", valid))
		s.sendRaw(body("call-1"), attribute("Number", "1234"))
		s.sendRaw(ofAnother, signed(ofAnother))
		s.start(succeed, func(cfg *consumer.Config) {
			cfg.Keys = keyring(t, signature.Key{IntegrationID: "8qkmnq", Secret: secret})
		})
		time.Sleep(time.Second)
		s.wantOutcomes("rejected 8")
		s.wantBegun(0)
		s.wantDepth(sqslocal.Depth{InFlight: 8})

		// Each lease ends by itself, five times.
		time.Sleep(6 * time.Minute)
		s.wantOutcomes("rejected 40")
		s.wantDepth(sqslocal.Depth{})
		if dead := s.srv.Depth(deadLetter); dead.Visible != 8 {
			t.Errorf("dead-letter queue holds %+v", dead)
		}
		if n := s.srv.Calls("DeleteMessageBatch") + s.srv.Calls("ChangeMessageVisibilityBatch"); n != 0 {
			t.Errorf("%d calls to settle messages that must be left", n)
		}
	})
}

func TestSignedButMalformedIsLeft(t *testing.T) {
	within(t, queueName, func(s *site) {
		for _, body := range []string{`not JSON`, `{}`, `{"id":"1","type":"call:end","time":1}`} {
			s.sendRaw(body, signed(body))
		}
		s.start(succeed)
		time.Sleep(time.Second)
		s.wantOutcomes("malformed 3")
		s.wantBegun(0)
		s.wantDepth(sqslocal.Depth{InFlight: 3})
	})
}

func TestComplaint13FailedMessageHasAGrowingDelay(t *testing.T) {
	within(t, queueName, func(s *site) {
		var tries []time.Time
		s.start(func(context.Context, *events.Event) error {
			tries = append(tries, time.Now())
			return errDown
		})
		s.send("call-1")
		time.Sleep(10 * time.Minute)
		s.wantOutcomes("failed 5")
		if dead := s.srv.Depth(deadLetter); dead.Visible != 1 {
			t.Errorf("dead-letter queue holds %+v", dead)
		}
		longest := 5 * time.Second
		for i := 1; i < len(tries); i++ {
			// It takes a little more than a second until the message is returned.
			if pause := tries[i].Sub(tries[i-1]); pause < longest/2-time.Second || pause > longest+2*time.Second {
				t.Errorf("try %d came after %v, want %v to %v", i+1, pause, longest/2, longest)
			}
			longest *= 2
		}
	})
}

func TestDelayGrowsToAtMostFifteenMinutes(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.keepFailed()
		s.start(fail)
		s.send("call-1")
		time.Sleep(12 * time.Hour)
		before := len(s.begun())
		time.Sleep(12 * time.Hour)
		// Jitter makes a pause of half the limit to the whole.
		if tries := len(s.begun()) - before; tries < 12*4 || tries > 12*8 {
			t.Errorf("%d tries in twelve hours, want one each 7.5 to 15 minutes", tries)
		}
	})
}

func TestHandlerChoosesTheDelay(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error { return events.RetryAfter(2*time.Hour, errDown) })
		s.send("call-1")
		time.Sleep(2*time.Hour - time.Second)
		s.wantBegun(1)
		time.Sleep(3 * time.Second)
		s.wantBegun(2)
	})
}

func TestDelayIsWithinTwelveHours(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error { return events.RetryAfter(100*time.Hour, errDown) })
		s.send("call-1")
		time.Sleep(11*time.Hour + 59*time.Minute)
		s.wantBegun(1)
		time.Sleep(2 * time.Minute)
		s.wantBegun(2)
	})
}

func TestPermanentIsNotHandledAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error { return events.Permanent(errDown) })
		s.send("call-1")
		time.Sleep(10 * time.Minute)
		s.wantBegun(1)
		s.wantOutcomes("failed 5")
		if dead := s.srv.Depth(deadLetter); dead.Visible != 1 {
			t.Errorf("dead-letter queue holds %+v", dead)
		}
	})
}

func TestPanicIsAFailureWithALoggedStack(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error { panic("no such customer") })
		s.send("call-1")
		time.Sleep(time.Second)
		s.wantOutcomes("failed 1")
		entries := s.logs.FilterMessage("message failed").All()
		if len(entries) != 1 || entries[0].Level != zapcore.WarnLevel {
			t.Fatalf("logged %v", entries)
		}
		if stack, _ := entries[0].ContextMap()["stack"].(string); !strings.Contains(stack, "outcome_test.go") {
			t.Errorf("stack %q does not lead here", stack)
		}
	})
}

func TestGoexitCostsNeitherMessageNorWorker(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "goexit" && len(s.begun()) == 1 {
				runtime.Goexit()
			}
			return nil
		}, func(cfg *consumer.Config) { cfg.Concurrency = 1 })
		s.send("goexit")
		time.Sleep(time.Second)
		s.send("call-1")
		time.Sleep(10 * time.Second)
		s.wantOutcomes("failed 1 handled 2")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestHandlerTimeoutEndsTheContext(t *testing.T) {
	within(t, queueName, func(s *site) {
		type end struct {
			promised time.Duration
			cause    error
		}
		ends := make(chan end, 1)
		s.start(func(ctx context.Context, _ *events.Event) error {
			deadline, _ := ctx.Deadline()
			promised := time.Until(deadline)
			<-ctx.Done()
			ends <- end{promised, context.Cause(ctx)}
			return ctx.Err()
		}, func(cfg *consumer.Config) { cfg.HandlerTimeout = 7 * time.Second })
		s.send("call-1")
		time.Sleep(8 * time.Second)
		s.wantOutcomes("failed 1")
		if got := <-ends; got.promised != 7*time.Second || !errors.Is(got.cause, context.DeadlineExceeded) {
			t.Errorf("deadline in %v, cause %v", got.promised, got.cause)
		}
	})
}

// asked records receive requests, and passes them on.
type asked struct {
	consumer.SQS
	receives chan sqs.ReceiveMessageInput
}

func (a asked) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	select {
	case a.receives <- *in:
	default:
	}
	return a.SQS.ReceiveMessage(ctx, in, options...)
}

func TestComplaint17OnlyNeededAttributesAreAskedFor(t *testing.T) {
	for name, want := range map[string]string{
		queueName: "ApproximateReceiveCount SentTimestamp ApproximateFirstReceiveTimestamp",
		fifoName:  "ApproximateReceiveCount SentTimestamp ApproximateFirstReceiveTimestamp MessageGroupId",
	} {
		within(t, name, func(s *site) {
			client := asked{s.client, make(chan sqs.ReceiveMessageInput, 1)}
			s.run(client, consumer.Config{QueueURL: s.url, Keys: keyring(t, key), Handler: events.HandlerFunc(succeed)})
			in := <-client.receives
			var system []string
			for _, name := range in.MessageSystemAttributeNames {
				system = append(system, string(name))
			}
			if got := strings.Join(in.MessageAttributeNames, " "); got != "X-SIGNATURE" {
				t.Errorf("%s: asked for the attributes %s", s.name, got)
			}
			if got := strings.Join(system, " "); got != want {
				t.Errorf("%s: asked for the system attributes %s, want %s", s.name, got, want)
			}
			if in.WaitTimeSeconds != 20 || in.MaxNumberOfMessages != 10 || in.VisibilityTimeout != 60 {
				t.Errorf("%s: asked for %+v", s.name, in)
			}
		})
	}
}

func TestEveryConfigurationFaultIsNamed(t *testing.T) {
	_, err := consumer.New(&sqs.Client{}, consumer.Config{
		QueueURL: "arn:aws:sqs:us-east-1:000000000000:calls", Concurrency: -1, VisibilityTimeout: 13 * time.Hour,
		HandlerTimeout: -1, ShutdownTimeout: -1, OnRejected: 7, QuarantineQueueURL: "quarantine",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{"QueueURL", "Keys", "Handler", "Concurrency", "VisibilityTimeout", "HandlerTimeout", "ShutdownTimeout", "OnRejected", "QuarantineQueueURL"} {
		if !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
}
