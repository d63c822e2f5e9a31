package sqslocal_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"

	"wildix-worker/consumer/sqslocal"
)

// modelled is the expected state of a message.
type modelled struct {
	visibleAt time.Time // it is visible from then on
	received  time.Time // the latest receive
	handles   []types.Message
	deleted   bool
}

func (m *modelled) visible() bool  { return !m.deleted && !m.visibleAt.After(time.Now()) }
func (m *modelled) inFlight() bool { return !m.deleted && !m.visible() && len(m.handles) > 0 }

// TestStandardQueueMatchesItsModel runs random operations and compares every outcome with that of a simple model.
func TestStandardQueueMatchesItsModel(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		rapid.Check(undated{t}, func(rt *rapid.T) {
			if _, err := f.client.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &f.url}); err != nil {
				rt.Fatal(err)
			}
			model := &queueModel{fixture: f}
			rt.Repeat(map[string]func(*rapid.T){
				"send":    model.send,
				"receive": model.receive,
				"delete":  model.delete,
				"change":  model.change,
				"sleep":   func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second) },
				"":        model.check,
			})
		})
	})
}

// undated hides the method Deadline, which must not be called in a bubble.
type undated struct{ rapid.TB }

type queueModel struct {
	*fixture
	messages []*modelled // a message's body is its index
}

func (q *queueModel) send(rt *rapid.T) {
	delay := int32(rapid.IntRange(0, 20).Draw(rt, "delay"))
	body := strconv.Itoa(len(q.messages))
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, DelaySeconds: delay}
	if _, err := q.client.SendMessage(q.Context(), in); err != nil {
		rt.Fatal(err)
	}
	q.messages = append(q.messages, &modelled{visibleAt: time.Now().Add(time.Duration(delay) * time.Second)})
}

func (q *queueModel) receive(rt *rapid.T) {
	limit := rapid.IntRange(1, 10).Draw(rt, "limit")
	out, err := q.client.ReceiveMessage(q.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: int32(limit)})
	if err != nil {
		rt.Fatal(err)
	}
	if want := min(limit, q.depth().Visible); len(out.Messages) != want {
		rt.Fatalf("received %q, want %d messages", bodies(out.Messages), want)
	}
	for _, got := range out.Messages {
		index, _ := strconv.Atoi(*got.Body)
		m := q.messages[index]
		if !m.visible() {
			rt.Fatalf("received %s, which is not visible: %+v", *got.Body, m)
		}
		m.visibleAt, m.received = time.Now().Add(30*time.Second), time.Now()
		m.handles = append(m.handles, got)
	}
}

// draw picks a message that was received, and one of its handles.
func (q *queueModel) draw(rt *rapid.T) (m *modelled, handle types.Message, latest bool) {
	received := slices.DeleteFunc(slices.Clone(q.messages), func(m *modelled) bool { return len(m.handles) == 0 })
	if len(received) == 0 {
		rt.Skip("nothing received")
	}
	m = rapid.SampledFrom(received).Draw(rt, "message")
	i := rapid.IntRange(0, len(m.handles)-1).Draw(rt, "handle")
	return m, m.handles[i], i == len(m.handles)-1
}

func (q *queueModel) delete(rt *rapid.T) {
	m, handle, latest := q.draw(rt)
	if err := q.fixture.delete(handle); err != nil {
		rt.Fatal(err)
	}
	m.deleted = m.deleted || latest
}

func (q *queueModel) change(rt *rapid.T) {
	m, handle, latest := q.draw(rt)
	seconds := rapid.SampledFrom([]int32{0, 1, 15, 60, 43199, 43200}).Draw(rt, "seconds")
	err := q.hide(handle, seconds)
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	allowed := latest && m.inFlight() && !until.After(m.received.Add(12*time.Hour))
	if (err == nil) != allowed {
		rt.Fatalf("changing %+v to %d s: %v", m, seconds, err)
	}
	if allowed {
		m.visibleAt = until
	}
}

func (q *queueModel) depth() (d sqslocal.Depth) {
	for _, m := range q.messages {
		switch {
		case m.deleted:
		case m.visible():
			d.Visible++
		case m.inFlight():
			d.InFlight++
		default:
			d.Delayed++
		}
	}
	return d
}

func (q *queueModel) check(rt *rapid.T) {
	if got, want := q.srv.Depth("calls"), q.depth(); got != want {
		rt.Fatalf("depth is %+v, want %+v", got, want)
	}
}
