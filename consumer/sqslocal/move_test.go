package sqslocal_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

const callsARN = "arn:aws:sqs:us-east-1:000000000000:calls"

// withDeadLetters is a bubble whose queue gives up on a message after its first receive.
func withDeadLetters(t *testing.T, test func(f *fixture)) {
	t.Helper()
	bubble(t, attrs{"VisibilityTimeout": "1"}, func(t *testing.T, f *fixture) {
		f.create("dead", nil)
		f.setRedrive(f.url, deadARN)
		test(f)
	})
}

func (f *fixture) setRedrive(url, target string) {
	f.Helper()
	_, err := f.client.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + target + `","maxReceiveCount":"1"}`},
	})
	if err != nil {
		f.Fatal(err)
	}
}

// bury sends messages and has them moved to the dead-letter queue.
func (f *fixture) bury(bodies ...string) {
	f.Helper()
	f.send(bodies...)
	f.receive(0)
	time.Sleep(time.Second)
	if left := f.receive(0); len(left) > 0 {
		f.Fatal("messages are not dead")
	}
}

func (f *fixture) start(source string, change ...func(*sqs.StartMessageMoveTaskInput)) (handle string, err error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &source}
	for _, c := range change {
		c(in)
	}
	out, err := f.client.StartMessageMoveTask(f.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.TaskHandle, nil
}

func rate(n int32) func(*sqs.StartMessageMoveTaskInput) {
	return func(in *sqs.StartMessageMoveTaskInput) { in.MaxNumberOfMessagesPerSecond = &n }
}

func to(arn string) func(*sqs.StartMessageMoveTaskInput) {
	return func(in *sqs.StartMessageMoveTaskInput) { in.DestinationArn = &arn }
}

func (f *fixture) moves() []types.ListMessageMoveTasksResultEntry {
	f.Helper()
	out, err := f.client.ListMessageMoveTasks(f.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(deadARN), MaxResults: aws.Int32(10)})
	if err != nil {
		f.Fatal(err)
	}
	return out.Results
}

// wantMove checks how far the latest task is.
func (f *fixture) wantMove(status string, moved int64) types.ListMessageMoveTasksResultEntry {
	f.Helper()
	latest := f.moves()[0]
	if *latest.Status != status || latest.ApproximateNumberOfMessagesMoved != moved {
		f.Errorf("task is %s with %d moved, want %s with %d", *latest.Status, latest.ApproximateNumberOfMessagesMoved, status, moved)
	}
	return latest
}

func TestMoveReturnsMessagesToTheirSourceQueue(t *testing.T) {
	withDeadLetters(t, func(f *fixture) {
		f.bury("a", "b", "c")
		_, err := f.start(deadARN)
		wantNil(f, err)
		got := f.receive(20) // the move has to wake it
		time.Sleep(time.Second)
		latest := f.wantMove("COMPLETED", 3)
		if latest.TaskHandle != nil || *latest.ApproximateNumberOfMessagesToMove != 3 || latest.DestinationArn != nil {
			f.Errorf("the task is listed as %+v", latest)
		}
		if dead := f.srv.Depth("dead"); dead != (sqslocal.Depth{}) {
			f.Errorf("the dead-letter queue holds %+v", dead)
		}
		if f.wantBodies(got, "a"); !f.Failed() && got[0].Attributes["ApproximateReceiveCount"] != "1" {
			f.Error("a message that is moved is a new one")
		}
	})
}

func TestMoveKeepsItsRate(t *testing.T) {
	withDeadLetters(t, func(f *fixture) {
		f.bury("a", "b", "c", "d")
		handle, err := f.start(deadARN, rate(2))
		wantNil(f, err)
		time.Sleep(1250 * time.Millisecond)
		if latest := f.wantMove("RUNNING", 2); aws.ToString(latest.TaskHandle) != handle || aws.ToInt32(latest.MaxNumberOfMessagesPerSecond) != 2 {
			f.Errorf("the task is listed as %+v", latest)
		}
		_, err = f.start(deadARN)
		wantError[*types.UnsupportedOperation](f, err)
		time.Sleep(1250 * time.Millisecond)
		f.wantMove("COMPLETED", 4)
		_, err = f.start(deadARN)
		wantNil(f, err)
		time.Sleep(time.Second)
		if n := len(f.moves()); n != 2 {
			f.Errorf("%d tasks are listed, want 2", n)
		}
	})
}

func TestCancelledMoveLeavesTheRest(t *testing.T) {
	withDeadLetters(t, func(f *fixture) {
		f.bury("a", "b", "c")
		handle, err := f.start(deadARN, rate(1))
		wantNil(f, err)
		time.Sleep(1500 * time.Millisecond)
		cancel := func() (*sqs.CancelMessageMoveTaskOutput, error) {
			return f.client.CancelMessageMoveTask(f.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		}
		out, err := cancel()
		wantNil(f, err)
		if out != nil && out.ApproximateNumberOfMessagesMoved != 1 {
			f.Errorf("%d moved, want 1", out.ApproximateNumberOfMessagesMoved)
		}
		f.wantMove("CANCELLING", 1)
		_, err = cancel()
		wantError[*types.UnsupportedOperation](f, err)
		time.Sleep(time.Second)
		f.wantMove("CANCELLED", 1)
		if dead := f.srv.Depth("dead"); dead.Visible != 2 {
			f.Errorf("the dead-letter queue holds %+v, want 2", dead)
		}
		handle = "nobody's"
		_, err = cancel()
		wantError[*types.ResourceNotFoundException](f, err)
	})
}

func TestMoveWithoutADestinationFails(t *testing.T) {
	withDeadLetters(t, func(f *fixture) {
		sent, err := f.client.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(f.srv.URL() + "/000000000000/dead"), MessageBody: aws.String("born dead")})
		wantNil(f, err)
		_, err = f.start(deadARN)
		wantNil(f, err)
		time.Sleep(time.Second)
		if latest := f.wantMove("FAILED", 0); aws.ToString(latest.FailureReason) != "CouldNotDetermineMessageSource" {
			f.Errorf("the task is listed as %+v", latest)
		}
		_, err = f.start(deadARN, to(callsARN))
		wantNil(f, err)
		got := f.receive(20)
		f.wantBodies(got, "born dead")
		f.wantMove("RUNNING", 1)
		if !f.Failed() && *got[0].MessageId == *sent.MessageId {
			f.Error("a message that is moved has an id of its own")
		}
	})
}

func TestMoveKeepsTheOrderOfAGroup(t *testing.T) {
	bubble(t, attrs{"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "1"}, func(t *testing.T, f *fixture) {
		dead := f.create("dead.fifo", attrs{"FifoQueue": "true"})
		f.setRedrive(f.url, deadARN+".fifo")
		f.sendGroup("call", "a", "b", "c")
		f.receive(0)
		time.Sleep(time.Second)
		f.receive(0)
		if n := f.srv.Depth("dead.fifo").Visible; n != 3 {
			t.Fatalf("%d messages are dead, want 3", n)
		}
		_, err := f.start(deadARN+".fifo", to(deadARN+".fifo"))
		wantCode(t, err, "InvalidParameterValue")
		_, err = f.start(deadARN + ".fifo")
		wantNil(t, err)
		time.Sleep(time.Second)
		f.wantBodies(f.receive(0), "a", "b", "c")
		f.wantBodies(f.receiveFrom(dead, 0))
	})
}

func TestMoveIsChecked(t *testing.T) {
	withDeadLetters(t, func(f *fixture) {
		f.create("calls.fifo", attrs{"FifoQueue": "true"})
		for name, err := range map[string]error{
			"no dead-letter queue": second(f.start(callsARN)),
			"no ARN":               second(f.start("dead")),
			"too slow":             second(f.start(deadARN, rate(0))),
			"too fast":             second(f.start(deadARN, rate(501))),
			"to itself":            second(f.start(deadARN, to(deadARN))),
			"to another kind":      second(f.start(deadARN, to(callsARN+".fifo"))),
		} {
			if wantCode(f, err, "InvalidParameterValue"); f.Failed() {
				f.Fatal(name)
			}
		}
		wantError[*types.ResourceNotFoundException](f, second(f.start(deadARN+"er")))
		wantError[*types.ResourceNotFoundException](f, second(f.start(deadARN, to(callsARN+"2"))))
		_, err := f.client.ListMessageMoveTasks(f.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(deadARN), MaxResults: aws.Int32(11)})
		wantCode(f, err, "InvalidParameterValue")
		if n := len(f.moves()); n != 0 {
			f.Errorf("%d tasks are listed, want none", n)
		}
	})
}

func second(_ string, err error) error { return err }

func TestMoveEndsWithItsQueue(t *testing.T) {
	withDeadLetters(t, func(f *fixture) {
		f.bury("a", "b")
		_, err := f.start(deadARN, rate(1))
		wantNil(f, err)
		_, err = f.client.DeleteQueue(f.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(f.srv.URL() + "/000000000000/dead")})
		wantNil(f, err)
		time.Sleep(2 * time.Second)
		f.wantDepth(sqslocal.Depth{})
	})
}
