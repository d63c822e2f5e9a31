package sqslocal

import (
	"context"
	"net"
	"sync"
)

// PipeListener is a net.Listener whose connections are made with net.Pipe: they need no socket, so they work in a testing/synctest
// bubble. Dial it with DialContext.
type PipeListener struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Pipe returns a listener in memory. Inside a testing/synctest bubble it must be made in the bubble.
func Pipe() *PipeListener {
	return &PipeListener{accept: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next DialContext. After Close the error is net.ErrClosed.
func (l *PipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accept:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// DialContext connects to the listener, whatever the network and address, as an http.Transport asks for it. It waits until the
// connection is accepted. The error is net.ErrClosed after Close, or that of ctx.
func (l *PipeListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.accept <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close refuses further connections; those accepted stay open. The error is always nil.
func (l *PipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns an address for use as the host in URLs. It can't be resolved.
func (l *PipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "sqslocal" }
