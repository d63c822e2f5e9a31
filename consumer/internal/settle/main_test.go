package settle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer/internal/inflight"
)

const visibility = 60 * time.Second

// call is one batch call that the client got.
type call struct {
	operation operation
	handles   []string
	timeouts  []int32
	sent      []types.SendMessageBatchRequestEntry
	at        time.Duration // since the start of the test
}

// answer is what the client does with a call: an error of the whole call, or error
// codes by receipt handle, or by message id for a quarantine queue.
type answer struct {
	err   error
	codes map[string]string
	delay time.Duration // 0: 30 ms
}

// site is a Settler with a client whose answers the test chooses.
type site struct {
	*Settler
	t      *testing.T
	logs   *observer.ObservedLogs
	begun  time.Time
	ended  chan struct{} // closed when Run has returned
	cancel context.CancelFunc

	mu      sync.Mutex
	calls   []call
	answers func(call) answer // nil: everything succeeds
	inCall  map[string]bool   // receipt handles
}

func budgetOf(slots int) *inflight.Budget {
	return inflight.New(inflight.Config{Slots: slots, MaxHeld: 10_000, MaxHeldBytes: 1 << 30, Blocked: func() bool { return false }})
}

// within runs a test with a Settler. Every message must be settled at its end.
func within(t *testing.T, test func(s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		s := &site{t: t, logs: logs, begun: time.Now(), ended: make(chan struct{}), inCall: map[string]bool{}}
		s.Settler = New(Config{
			Client: s, QueueURL: "https://sqs.test/1/calls", QuarantineURL: "https://sqs.test/1/quarantine.fifo",
			VisibilityTimeout: visibility, Budget: budgetOf(10_000), Logger: zap.New(core),
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.cancel = cancel
		go func() {
			defer close(s.ended)
			s.Run(ctx)
		}()
		test(s)
		s.Abandon()
		s.Close()
		select {
		case <-s.ended:
		case <-time.After(12 * time.Hour):
			t.Errorf("Run has not returned, %d messages are not settled", s.Stats().Unsettled)
		}
	})
}

// admit receives a message of no group.
func (s *site) admit(id string) *Lease {
	s.t.Helper()
	l, admission := s.deliver(id, "handle of "+id)
	if admission != Fresh {
		s.t.Fatalf("message %s is %d, want Fresh", id, admission)
	}
	return l
}

func (s *site) deliver(id, handle string) (*Lease, Admission) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
	defer cancel()
	if s.budget.Take(ctx, 1) == 0 {
		s.t.Fatal("the budget is used up")
	}
	return s.admitReceipt(Receipt{Text: id + handle, IDSize: len(id), ReceivedAt: time.Now()})
}

// admitReceipt returns the lease, or nil if the message is in hand.
func (s *site) admitReceipt(r Receipt) (*Lease, Admission) {
	l := &Lease{}
	admission := s.Admit(l, r)
	if admission == InHand {
		return nil, InHand
	}
	return l, admission
}

// admitMany receives n messages.
func (s *site) admitMany(n int) (leases []*Lease) {
	for i := range n {
		leases = append(leases, s.admit(fmt.Sprint("m", i)))
	}
	return leases
}

// answer chooses how calls are answered from now on.
func (s *site) answer(with func(call) answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = with
}

// failing answers every call of the operation with an error.
func failing(op operation) func(call) answer {
	return func(c call) answer {
		if c.operation == op {
			return answer{err: fmt.Errorf("%s fails", op)}
		}
		return answer{}
	}
}

// refusing answers every entry of the operation with a code.
func refusing(op operation, code string) func(call) answer {
	return func(c call) answer {
		a := answer{codes: map[string]string{}}
		if c.operation == op {
			for _, handle := range c.handles {
				a.codes[handle] = code
			}
			for _, entry := range c.sent {
				a.codes[*entry.MessageDeduplicationId] = code
			}
		}
		return a
	}
}

// made returns the calls of one operation so far, once all is quiet.
func (s *site) made(op operation) []call {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c call) bool { return c.operation != op })
}

// wantMade checks how many messages the calls of an operation were about, by call.
func (s *site) wantMade(op operation, sizes ...int) {
	s.t.Helper()
	var got []int
	for _, c := range s.made(op) {
		got = append(got, max(len(c.handles), len(c.sent)))
	}
	if !slices.Equal(got, sizes) {
		s.t.Errorf("%s was called about %v messages, want %v", op, got, sizes)
	}
}

func (s *site) wantStats(want Stats) {
	s.t.Helper()
	synctest.Wait()
	got := s.Stats()
	got.Requests, got.Extended = nil, 0
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("stats %+v, want %+v", got, want)
	}
}

// do answers a call. It fails the test if another call for one of the messages is running.
func (s *site) do(ctx context.Context, c call) (codes map[string]string, err error) {
	s.mu.Lock()
	c.at = time.Since(s.begun)
	s.calls = append(s.calls, c)
	var a answer
	if s.answers != nil {
		a = s.answers(c)
	}
	for _, handle := range c.handles {
		if s.inCall[handle] {
			s.t.Errorf("two calls at once with the %s", handle)
		}
		s.inCall[handle] = true
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, handle := range c.handles {
			delete(s.inCall, handle)
		}
	}()
	if a.delay == 0 {
		a.delay = 30 * time.Millisecond
	}
	select {
	case <-time.After(a.delay):
		return a.codes, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *site) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	c := call{operation: opDelete}
	for _, entry := range in.Entries {
		c.handles = append(c.handles, *entry.ReceiptHandle)
	}
	codes, err := s.do(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for i, handle := range c.handles {
		if code, failed := codes[handle]; failed {
			out.Failed = append(out.Failed, refusedEntry(i, code))
		} else {
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: aws.String(strconv.Itoa(i))})
		}
	}
	return out, nil
}

func (s *site) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	c := call{operation: opReturn}
	for _, entry := range in.Entries {
		c.handles = append(c.handles, *entry.ReceiptHandle)
		c.timeouts = append(c.timeouts, entry.VisibilityTimeout)
		if entry.VisibilityTimeout == int32(visibility/time.Second) { // no test returns a message for so long
			c.operation = opExtend
		}
	}
	codes, err := s.do(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for i, handle := range c.handles {
		if code, failed := codes[handle]; failed {
			out.Failed = append(out.Failed, refusedEntry(i, code))
		} else {
			out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: aws.String(strconv.Itoa(i))})
		}
	}
	return out, nil
}

func (s *site) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	codes, err := s.do(ctx, call{operation: opQuarantine, sent: in.Entries})
	if err != nil {
		return nil, err
	}
	out := &sqs.SendMessageBatchOutput{}
	for i, entry := range in.Entries {
		if code, failed := codes[*entry.MessageDeduplicationId]; failed {
			out.Failed = append(out.Failed, refusedEntry(i, code))
		} else {
			out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: entry.Id})
		}
	}
	return out, nil
}

func refusedEntry(i int, code string) types.BatchResultErrorEntry {
	return types.BatchResultErrorEntry{Id: aws.String(strconv.Itoa(i)), Code: &code}
}
