package forward_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/signature"
)

// A site is a queue with a dead-letter queue, the real consumer, the handler and
// an endpoint, on a bubble's clock.
type site struct {
	t     *testing.T
	srv   *sqslocal.Server
	queue string
	logs  *observer.ObservedLogs
	sent  int

	down    atomic.Bool // fault is in force
	fault   http.HandlerFunc
	refused atomic.Int32 // requests that met it
	mu      sync.Mutex
	taken   map[string]int // events that the endpoint took, by key
}

// within runs a test at a site whose queue allows so many receives, and whose
// endpoint, while it is down, answers as fault does, or refuses connections
// without one.
func within(t *testing.T, receives int, fault http.HandlerFunc, through func(events.Handler) events.Handler, test func(*site)) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		s := &site{t: t, srv: sqslocal.New(sqslocal.Options{}), logs: logs, fault: fault, taken: make(map[string]int)}
		s.srv.StartPipe()
		defer s.srv.Close()
		s.makeQueue("dead", nil)
		s.queue = s.makeQueue("calls", map[string]string{
			"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"%d"}`, receives),
		})

		l := sqslocal.Pipe()
		web := &http.Server{Handler: http.HandlerFunc(s.answer)}
		go web.Serve(l)
		defer web.Close()
		h := newHandler(t, forward.Config{URL: "http://endpoint.example.com" + hidden, Logger: zap.New(core)})
		h.DialWith(func(ctx context.Context, network, address string) (net.Conn, error) {
			if s.down.Load() && fault == nil {
				s.refused.Add(1)
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return l.DialContext(ctx, network, address)
		})
		ring, err := signature.NewKeyring(signature.Key{Secret: pbxSecret})
		if err != nil {
			t.Fatal(err)
		}
		c, err := consumer.New(s.srv.Client(), consumer.Config{QueueURL: s.queue, Keys: ring, Handler: through(h), Logger: zap.New(core)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		test(s)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.Close()
	})
}

func only(h events.Handler) events.Handler { return h }

func (s *site) makeQueue(name string, attributes map[string]string) string {
	s.t.Helper()
	url, err := s.srv.CreateQueue(name, attributes)
	if err != nil {
		s.t.Fatal(err)
	}
	return url
}

func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) // or the server does not notice when the client goes
	if s.down.Load() {
		s.refused.Add(1)
		if s.fault == nil { // on a connection from before
			panic(http.ErrAbortHandler)
		}
		s.fault(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[r.Header.Get("Idempotency-Key")]++
}

// send puts events on the queue.
func (s *site) send(n int) {
	s.t.Helper()
	for n > 0 {
		in := &sqs.SendMessageBatchInput{QueueUrl: &s.queue}
		for range min(n, 10) {
			body := fmt.Sprintf(`{"id":"call-%d","type":"call:end","time":1693389853611}`, s.sent)
			value := types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(signature.Sign(pbxSecret, []byte(body)))}
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(s.sent)), MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{"X-SIGNATURE": value},
			})
			s.sent++
		}
		if _, err := s.srv.Client().SendMessageBatch(s.t.Context(), in); err != nil {
			s.t.Fatal(err)
		}
		n -= len(in.Entries)
	}
}

func (s *site) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

// outage takes the endpoint down for a minute, while five events come each second.
func (s *site) outage() {
	s.t.Helper()
	s.send(100)
	time.Sleep(5 * time.Second)
	if n := s.arrived(); n != 100 {
		s.t.Fatalf("%d of 100 events arrived before the outage", n)
	}
	s.down.Store(true)
	for range 60 {
		s.send(5)
		time.Sleep(time.Second)
	}
	s.down.Store(false)
}

// wantAll checks in the end that every event arrived, and none as a dead letter.
func (s *site) wantAll() {
	s.t.Helper()
	time.Sleep(20 * time.Minute)
	if n := s.arrived(); n != s.sent {
		s.t.Errorf("%d of %d events arrived", n, s.sent)
	}
	for _, name := range []string{"calls", "dead"} {
		if depth := s.srv.Depth(name); depth != (sqslocal.Depth{}) {
			s.t.Errorf("queue %s holds %+v", name, depth)
		}
	}
}
