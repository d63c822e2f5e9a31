package sqslocal

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"wildix-worker/consumer/sqslocal/internal/account"
)

// DefaultLatency is how long a server holds a request when Options.Latency is zero.
const DefaultLatency = time.Millisecond

// Options configures a Server. The zero value is ready to use.
type Options struct {
	// Latency is how long the server holds each request before its action, in addition to the wait of a long poll. Zero means
	// DefaultLatency, a negative value none.
	//
	// It protects clients. If an answer arrives within microseconds, the SDK can close the request body before the write loop of
	// net/http has read to its end. The connection then breaks while the answer is read, the SDK tries again, and the messages of
	// the lost answer are invisible for a whole visibility timeout. SQS itself always takes longer. With the default this is rare,
	// about once in 15,000 receives when all processors are busy, but it can happen.
	Latency time.Duration

	// Seed makes message ids and the random choices of faults reproducible. Zero means a random seed.
	Seed uint64
}

// Server is an SQS server that holds its queues in memory. It is an http.Handler and safe for concurrent use.
type Server struct {
	latency time.Duration
	account *account.Account
	faults  *faults
	http    http.Server
	client  http.Transport // of all Clients, so that Close can close their connections

	closed  chan struct{} // closed by Close; ends requests that wait
	closing sync.Once
	serving sync.WaitGroup // calls of http.Serve
	conns   sync.WaitGroup // open connections

	mu   sync.Mutex // guards the fields below
	url  string     // of the first listener
	dial dialFunc   // connects to the first listener
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a server without queues and without a listener: use it as an http.Handler, or call Start, StartPipe or Serve.
// For use in a testing/synctest bubble it must be created there.
func New(opts Options) *Server {
	if opts.Latency == 0 {
		opts.Latency = DefaultLatency
	}
	if opts.Seed == 0 {
		opts.Seed = rand.Uint64()
	}
	s := &Server{
		latency: opts.Latency,
		account: account.New(opts.Seed),
		faults:  newFaults(opts.Seed),
		closed:  make(chan struct{}),
		dial:    new(net.Dialer).DialContext,
	}
	s.http.Handler = s
	s.http.ConnState = s.trackConn
	s.client.DialContext = s.dialContext
	s.client.MaxIdleConnsPerHost = 256 // one for each of many pollers; with the default of 2, most requests would need a new one
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
// It returns the listener, for callers that dial it themselves. If the server is closed, the listener is too.
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

// attach makes l the listener that clients use if it is the first, and counts the goroutine that will serve it.
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

// Close ends every long poll and every connection, including those of Client, and waits until their goroutines have ended. The
// queues and their messages are lost. Closing again does nothing. The error is always nil.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		close(s.closed) // under the lock, so that attach either sees it or has counted its goroutine
		s.mu.Unlock()
		s.account.Close()

		s.http.Close()
		s.serving.Wait()
		s.http.Close() // the first call may have missed a connection that was just accepted
		s.client.CloseIdleConnections()
		s.conns.Wait()
	})
	return nil
}

func (s *Server) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	dial := s.dial
	s.mu.Unlock()
	return dial(ctx, network, address)
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
