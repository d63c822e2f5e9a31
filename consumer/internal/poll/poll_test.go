package poll_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/consumer/internal/poll"
	"wildix-worker/internal/sqscall"
)

// queue answers receives with up to as many messages as are asked for, or with an error.
// If it has no messages, it answers after the wait.
type queue struct {
	mu       sync.Mutex
	messages int
	err      error
	surplus  int // messages delivered beyond those asked for
	delay    time.Duration
	calls    int
	now      int // calls under way
	most     int // calls under way at once
}

func (q *queue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	q.mu.Lock()
	q.calls++
	n, err, delay := min(q.messages, int(in.MaxNumberOfMessages)), q.err, q.delay
	q.messages -= n
	n += q.surplus
	q.now++
	q.most = max(q.most, q.now)
	if n == 0 && err == nil {
		delay = time.Duration(in.WaitTimeSeconds) * time.Second
	}
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.now--
	}()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	out := &sqs.ReceiveMessageOutput{}
	for i := range n {
		out.Messages = append(out.Messages, types.Message{MessageId: aws.String(strconv.Itoa(i))})
	}
	return out, nil
}

// made returns how many calls were made, and how many were under way at once.
func (q *queue) made() (calls, most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.calls, q.most
}

func (q *queue) set(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
}

// site is a queue with pollers on it.
type site struct {
	queue
	pollers   *poll.Pollers
	budget    *inflight.Budget
	mu        sync.Mutex
	delivered []sqscall.Message
	stop      func() // ends the pollers and waits for them
}

// within runs a test with pollers of a budget. handle is called for each message.
func within(t *testing.T, budget int, setUp func(*site), handle func(*site), test func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &site{budget: inflight.New(inflight.Config{Slots: budget, MaxHeld: 1, MaxHeldBytes: 1, Blocked: func() bool { return false }})}
		setUp(s)
		s.pollers = poll.New(poll.Config{
			Client: &s.queue, QueueURL: "https://sqs.test/1/calls", VisibilityTimeout: time.Minute,
			Grace: time.Second, Logger: zap.NewNop(),
			Budget: s.budget,
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.pollers.Run(ctx, func(_ context.Context, received []sqscall.Message) {
				s.mu.Lock()
				s.delivered = append(s.delivered, received...)
				s.mu.Unlock()
				for range received {
					handle(s)
				}
			})
		}()
		s.stop = func() {
			cancel()
			<-ended
		}
		defer s.stop()
		test(t, s)
	})
}

// settleAtOnce and never are what becomes of messages.
func settleAtOnce(s *site) { s.budget.GiveBack(1) }
func never(*site)          {}

func (s *site) wantDelivered(t *testing.T, n int) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.delivered) != n {
		t.Errorf("%d messages are delivered, want %d", len(s.delivered), n)
	}
}

func TestOnePollerWhileTheQueueIsEmpty(t *testing.T) {
	within(t, 100, func(*site) {}, settleAtOnce, func(t *testing.T, s *site) {
		time.Sleep(time.Hour + time.Second)
		if calls, most := s.made(); most != 1 || calls < 179 || calls > 181 {
			t.Errorf("%d calls in an hour, %d at once", calls, most)
		}
		if got := s.pollers.Stats(); got.UnderWay != 1 || got.Empty != got.Succeeded || got.Oldest > 20*time.Second {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestPollersGrowWithTheQueueAndStopWhenItIsEmpty(t *testing.T) {
	within(t, 100, func(s *site) { s.messages, s.delay = 1000, 10*time.Millisecond }, settleAtOnce, func(t *testing.T, s *site) {
		time.Sleep(time.Minute)
		s.wantDelivered(t, 1000)
		if _, most := s.made(); most < 5 || most > 10 {
			t.Errorf("%d polls at once, want 5 to 10", most)
		}
		if got := s.pollers.Stats(); got.UnderWay != 1 {
			t.Errorf("%d polls under way on an empty queue", got.UnderWay)
		}
	})
}

func TestReceivesStayWithinTheBudget(t *testing.T) {
	within(t, 7, func(s *site) { s.messages = 100 }, never, func(t *testing.T, s *site) {
		time.Sleep(time.Hour)
		s.wantDelivered(t, 7)
		s.budget.GiveBack(3)
		time.Sleep(time.Second)
		s.wantDelivered(t, 10)
	})
}

func TestSurplusMessagesAreLeft(t *testing.T) {
	within(t, 7, func(s *site) { s.messages, s.surplus = 7, 5 }, never, func(t *testing.T, s *site) {
		s.wantDelivered(t, 7)
	})
}

func TestUnusedSlotsAreGivenBack(t *testing.T) {
	within(t, 10, func(s *site) {}, never, func(t *testing.T, s *site) {
		for range 10 {
			s.set(func() { s.messages = 1 })
			time.Sleep(time.Minute)
		}
		s.wantDelivered(t, 10)
	})
}

func TestFailedPollsBackOff(t *testing.T) {
	failing := errors.New("no route to host")
	within(t, 100, func(s *site) { s.err = failing }, settleAtOnce, func(t *testing.T, s *site) {
		begun := time.Now()
		time.Sleep(10 * time.Minute)
		got := s.pollers.Stats()
		if got.Failed < 120 || got.Failed > 600 || got.Succeeded > 0 || !got.Answered.IsZero() || !got.FailingSince.Equal(begun) {
			t.Errorf("stats after ten minutes of failures: %+v", got)
		}
		s.set(func() { s.err, s.messages = nil, 5 })
		time.Sleep(6 * time.Second)
		s.wantDelivered(t, 5)
		if got := s.pollers.Stats(); !got.FailingSince.IsZero() || got.Answered.IsZero() {
			t.Errorf("stats after a success: %+v", got)
		}
	})
}

func TestHungPollIsCancelled(t *testing.T) {
	within(t, 10, func(s *site) { s.delay, s.messages = time.Hour, 1 }, settleAtOnce, func(t *testing.T, s *site) {
		time.Sleep(24 * time.Second)
		if got := s.pollers.Stats(); got.Failed != 0 || got.Oldest != 24*time.Second {
			t.Errorf("stats %+v", got)
		}
		time.Sleep(2 * time.Second)
		if got := s.pollers.Stats(); got.Failed != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestStopWaitsForAnswersWithinTheGrace(t *testing.T) {
	within(t, 10, func(s *site) { s.messages, s.delay = 1, 900*time.Millisecond }, settleAtOnce, func(t *testing.T, s *site) {
		synctest.Wait()
		s.stop()
		s.wantDelivered(t, 1)
	})
	within(t, 10, func(s *site) { s.messages, s.delay = 1, time.Minute }, settleAtOnce, func(t *testing.T, s *site) {
		synctest.Wait()
		begun := time.Now()
		s.stop()
		s.wantDelivered(t, 0)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the stop took %s, want the grace of 1s", took)
		}
	})
}
