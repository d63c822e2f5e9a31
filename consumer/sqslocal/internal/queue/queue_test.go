package queue_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"wildix-worker/consumer/sqslocal/internal/message"
	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

const visibility = 30 * time.Second

// begin is when the tests begin. The package has no clock, so time passes as they say.
var begin = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

func newQueue(t *testing.T, name string, fifo bool, attributes map[string]string) *queue.Queue {
	t.Helper()
	settings, err := queue.DefaultSettings(fifo).With(attributes)
	if err != nil {
		t.Fatal(err)
	}
	return queue.New(name, settings, queue.NewIDs(1), begin)
}

func send(t *testing.T, q *queue.Queue, group, body string, now time.Time) queue.Sent {
	t.Helper()
	content := message.Content{Body: body}
	if q.FIFO() {
		content.GroupID, content.DeduplicationID = group, body
	}
	sent, err := q.Send(content, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// receive checks the bodies that one receive returns.
func receive(t *testing.T, q *queue.Queue, now time.Time, want ...string) []queue.Delivery {
	t.Helper()
	deliveries, err := q.Receive(10, visibility, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := bodies(deliveries); !slices.Equal(got, want) {
		t.Fatalf("received %q, want %q", got, want)
	}
	return deliveries
}

func bodies(deliveries []queue.Delivery) (bodies []string) {
	for _, d := range deliveries {
		bodies = append(bodies, d.Body)
	}
	return bodies
}

func TestMessageIsInvisibleForItsVisibilityTimeout(t *testing.T) {
	q := newQueue(t, "calls", false, nil)
	send(t, q, "", "one", begin)
	first := receive(t, q, begin, "one")[0]
	receive(t, q, begin.Add(visibility-1))
	second := receive(t, q, begin.Add(visibility), "one")[0]
	if first.ReceiveCount != 1 || second.ReceiveCount != 2 || first.ReceiptHandle == second.ReceiptHandle {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

func TestOldReceiptHandleDeletesNothing(t *testing.T) {
	q := newQueue(t, "calls", false, nil)
	send(t, q, "", "one", begin)
	old := receive(t, q, begin, "one")[0]
	newer := receive(t, q, begin.Add(visibility), "one")[0]
	if err := q.Delete(old.ReceiptHandle, begin.Add(visibility)); err != nil {
		t.Error(err)
	}
	if d := q.Depth(begin.Add(visibility)); d.InFlight != 1 {
		t.Errorf("depth %+v after a delete with the old handle", d)
	}
	if err := q.Delete(newer.ReceiptHandle, begin.Add(visibility)); err != nil {
		t.Error(err)
	}
	if d := q.Depth(begin.Add(visibility)); d != (queue.Depth{}) {
		t.Errorf("depth %+v after a delete with the latest handle", d)
	}
}

func TestFIFOGroupWaitsForItsMessageInFlight(t *testing.T) {
	q := newQueue(t, "calls.fifo", true, nil)
	for _, body := range []string{"a1", "a2"} {
		send(t, q, "a", body, begin)
	}
	one, err := q.Receive(1, visibility, nil, begin)
	if err != nil || !slices.Equal(bodies(one), []string{"a1"}) {
		t.Fatalf("received %q, %v", bodies(one), err)
	}
	receive(t, q, begin)
	send(t, q, "b", "b1", begin)
	receive(t, q, begin, "b1")
	if err := q.Delete(one[0].ReceiptHandle, begin); err != nil {
		t.Fatal(err)
	}
	receive(t, q, begin, "a2")
}

func TestFIFOQueueRecognizesADuplicateForFiveMinutes(t *testing.T) {
	q := newQueue(t, "calls.fifo", true, nil)
	first := send(t, q, "a", "a1", begin)
	if again := send(t, q, "a", "a1", begin.Add(5*time.Minute-1)); again.MessageID != first.MessageID {
		t.Error("a duplicate is another message")
	}
	if later := send(t, q, "a", "a1", begin.Add(5*time.Minute)); later.MessageID == first.MessageID {
		t.Error("a message after the deduplication interval is a duplicate")
	}
}

func TestMessageMovesToTheDeadLetterQueueAfterMaxReceiveCount(t *testing.T) {
	dead := newQueue(t, "dead", false, nil)
	q := newQueue(t, "calls", false, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead.ARN() + `","maxReceiveCount":2}`})
	send(t, q, "", "one", begin)
	now := begin
	for want := range 3 {
		deliveries, err := q.Receive(10, visibility, dead, now)
		if err != nil || (len(deliveries) == 1) != (want < 2) {
			t.Fatalf("receive %d: %q, %v", want+1, bodies(deliveries), err)
		}
		now = now.Add(visibility)
	}
	if moved := receive(t, dead, now, "one")[0]; moved.SourceARN != q.ARN() {
		t.Errorf("moved from %q", moved.SourceARN)
	}
}

func TestVisibilityTimeoutEndsTwelveHoursAfterTheReceive(t *testing.T) {
	q := newQueue(t, "calls", false, nil)
	send(t, q, "", "one", begin)
	handle := receive(t, q, begin, "one")[0].ReceiptHandle
	seconds := 2 * 3600
	for n := range 11 {
		if err := q.ChangeVisibility(handle, &seconds, begin.Add(time.Duration(n)*time.Hour)); err != nil {
			t.Fatalf("after %d hours: %v", n, err)
		}
	}
	var refused *sqserr.Error
	if err := q.ChangeVisibility(handle, &seconds, begin.Add(11*time.Hour)); !errors.As(err, &refused) {
		t.Errorf("beyond twelve hours: %v", err)
	}
}
