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
	"wildix-worker/events/route"
	"wildix-worker/signature"
)

// A system is a queue with a dead-letter queue, the real consumer, the handler as a
// destination beside a healthy one, and an endpoint, in a synctest bubble.
type system struct {
	t     *testing.T
	srv   *sqslocal.Server
	queue string
	logs  *observer.ObservedLogs
	sent  int

	down     atomic.Bool // the endpoint responds with fault
	fault    http.HandlerFunc
	refused  atomic.Int32 // requests while down
	mu       sync.Mutex
	accepted map[string]int // events that the endpoint accepted, by key

	others atomic.Int32 // events that the healthy destination got
}

// within runs a test with a system whose queue has the maxReceiveCount receives. While it
// is down, the endpoint responds with fault or, if that is nil, refuses connections.
func within(t *testing.T, receives int, fault http.HandlerFunc, test func(*system)) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		s := &system{t: t, srv: sqslocal.New(sqslocal.Options{}), logs: logs, fault: fault, accepted: make(map[string]int)}
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
		h := newHandler(t, forward.Config{URL: "http://endpoint.example.com" + hidden})
		h.DialWith(func(ctx context.Context, network, address string) (net.Conn, error) {
			if s.down.Load() && fault == nil {
				s.refused.Add(1)
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return l.DialContext(ctx, network, address)
		})
		c, err := consumer.New(s.srv.Client(), s.config(h, zap.New(core)))
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

func (s *system) config(h events.Handler, log *zap.Logger) consumer.Config {
	s.t.Helper()
	ring, err := signature.NewKeyring(signature.Key{Secret: pbxSecret})
	if err != nil {
		s.t.Fatal(err)
	}
	other := events.HandlerFunc(func(context.Context, *events.Event) error {
		s.others.Add(1)
		return nil
	})
	router, err := route.New(route.Config{Logger: log, Destinations: []route.Destination{
		{Name: "forward", Handler: h}, {Name: "other", Handler: other},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return consumer.Config{
		QueueURL: s.queue, Keys: ring, Handler: router, Logger: log,
		Concurrency: router.Concurrency(), Blocked: router.Blocked,
	}
}

func (s *system) makeQueue(name string, attributes map[string]string) string {
	s.t.Helper()
	url, err := s.srv.CreateQueue(name, attributes)
	if err != nil {
		s.t.Fatal(err)
	}
	return url
}

func (s *system) answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) // else the server does not notice a cancelled request
	if s.down.Load() {
		s.refused.Add(1)
		if s.fault == nil { // on a connection from before the outage
			panic(http.ErrAbortHandler)
		}
		s.fault(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[r.Header.Get("Idempotency-Key")]++
}

// send puts events on the queue.
func (s *system) send(n int) {
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

func (s *system) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.accepted)
}

// outage takes the endpoint down for a minute while five events a second arrive.
func (s *system) outage() {
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
		if n := int(s.others.Load()); n != s.sent {
			s.t.Errorf("the other destination got %d of %d events", n, s.sent)
		}
	}
	s.down.Store(false)
}

// wantAll checks that every event arrived and that no queue holds a message.
func (s *system) wantAll() {
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
