package sqslocal

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultLatency is how long a server holds a request when Options.Latency is zero.
const DefaultLatency = time.Millisecond

// Options configures a Server. The zero value is ready to use.
type Options struct {
	// Latency is how long the server holds each request before it acts on it; a long poll's wait comes on top. Zero means
	// DefaultLatency, negative none.
	//
	// It is there for the client's sake. When an answer arrives within microseconds, the SDK can close the request body before the
	// write loop of net/http has seen its end; the connection is then torn down while the answer is being read, the SDK tries again,
	// and the messages of the lost answer stay invisible for a whole visibility timeout. Any real SQS takes longer to answer. The
	// default makes this rare, about once in 15,000 receives when all processors are busy; it does not rule it out.
	Latency time.Duration

	// Seed makes message ids and the chances of faults reproducible. Zero picks a seed at random.
	Seed uint64
}

// Server is an SQS that holds all its queues in memory. It is an http.Handler, safe for concurrent use.
type Server struct {
	latency time.Duration
	closed  chan struct{} // wakes whoever waits inside a request
	closing sync.Once
	http    http.Server
	client  http.Transport // shared by every Client, so that Close can let go of its connections
	serving sync.WaitGroup // calls of http.Serve
	conns   sync.WaitGroup // connections being served

	mu      sync.Mutex // guards all that follows, queues and messages included
	url     string
	dial    dialFunc
	queues  map[string]*queue
	faults  []*armedFault
	calls   map[string]int
	random  *rand.Rand
	numbers uint64 // the last number given to a queue or message
}

// New returns a server without queues that listens nowhere yet: use it as an http.Handler, or call Start, StartPipe or Serve.
// Inside a testing/synctest bubble it must be made in the bubble.
func New(opts Options) *Server {
	if opts.Latency == 0 {
		opts.Latency = DefaultLatency
	}
	if opts.Seed == 0 {
		opts.Seed = rand.Uint64()
	}
	s := &Server{
		latency: opts.Latency,
		closed:  make(chan struct{}),
		dial:    new(net.Dialer).DialContext,
		queues:  make(map[string]*queue),
		calls:   make(map[string]int),
		random:  rand.New(rand.NewPCG(opts.Seed, 0)),
	}
	s.http.Handler = s
	s.http.ConnState = s.trackConn
	s.client.DialContext = s.dialContext
	s.client.MaxIdleConnsPerHost = 256 // a connection for each of many pollers; the default of 2 would open new ones all the time
	return s
}

// Start listens on the TCP address addr, "127.0.0.1:0" (any free port) if it is empty, and serves until Close.
// It returns once requests are accepted. The error is that of net.Listen, or http.ErrServerClosed after Close.
func (s *Server) Start(addr string) error {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if err := s.attach(l); err != nil {
		l.Close()
		return err
	}
	go s.serve(l)
	return nil
}

// StartPipe serves on a Pipe until Close: requests of Client then never leave memory, which is what testing/synctest needs.
// It returns the listener for those who dial it themselves. A server that is closed already closes it.
func (s *Server) StartPipe() *PipeListener {
	l := Pipe()
	if err := s.attach(l); err != nil {
		l.Close()
		return l
	}
	go s.serve(l)
	return l
}

// Serve serves on l until Close, then returns nil; after Close it returns http.ErrServerClosed. It closes l.
// If l has a DialContext method, as PipeListener has, Client reaches the server through it.
func (s *Server) Serve(l net.Listener) error {
	if err := s.attach(l); err != nil {
		l.Close()
		return err
	}
	return s.serve(l)
}

// attach makes l the way to reach the server, unless an earlier listener is that, and books the goroutine that will serve it.
func (s *Server) attach(l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return http.ErrServerClosed
	}
	if s.url == "" {
		s.url = "http://" + l.Addr().String()
		if d, ok := l.(dialer); ok {
			s.dial = d.DialContext
		}
	}
	s.serving.Add(1)
	return nil
}

func (s *Server) serve(l net.Listener) error {
	defer s.serving.Done()
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) trackConn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed:
		s.conns.Done()
	}
}

// URL returns the base endpoint, such as "http://127.0.0.1:41234", of the first listener; it is empty before there is one.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Close ends every long poll and every connection, those of Client included, and waits until the goroutines that served them
// are gone. The queues and what they hold are lost. Closing again does nothing. The error is always nil.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		close(s.closed) // under the lock, so that attach either sees it or has booked its goroutine
		s.mu.Unlock()

		s.http.Close()
		s.serving.Wait()
		s.http.Close() // a connection accepted while the first call went through the list is not in that list
		s.client.CloseIdleConnections()
		s.conns.Wait()

		s.mu.Lock()
		defer s.mu.Unlock()
		for _, q := range s.queues {
			q.alarm.Stop()
			for _, m := range q.moves {
				m.next.Stop()
			}
		}
	})
	return nil
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// pause waits for d. It reports false if the client left or the server closed meanwhile.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil && !s.isClosed()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closed:
	}
	return false
}
