package consumer_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
)

// If net/http sends a request in two packets, it may consider the request failed after the
// answer has arrived; then the answer is lost.
func TestEveryRequestIsSentInOnePacket(t *testing.T) {
	within(t, queueName, func(s *site) {
		pipe := s.srv.StartPipe()
		var writes atomic.Int64
		transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := pipe.DialContext(ctx, network, address)
			return countingConn{conn, &writes}, err
		}}
		client := s.srv.Client(func(o *sqs.Options) { o.HTTPClient = &http.Client{Transport: transport} })
		setUp := s.srv.Calls("")
		s.run(client, consumer.Config{QueueURL: s.url, Keys: keyring(t, key), Handler: s.recording(working(40 * time.Second)), HandlerTimeout: time.Minute})
		s.send("call-1")
		time.Sleep(time.Minute)
		s.wantDepth(sqslocal.Depth{})
		s.stop()
		transport.CloseIdleConnections()
		if sent, calls := int(writes.Load()), s.srv.Calls("")-setUp-1; sent != calls {
			t.Errorf("%d requests were sent in %d parts", calls, sent)
		}
	})
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}
