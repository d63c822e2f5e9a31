package sqslocal

import (
	"context"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Client returns the SDK's own client, set up with made-up credentials and pointed at the server's first listener, so the server must
// have been started. optFns are applied last. All clients share a pool of connections, which Close empties; a client that
// brings an HTTPClient of its own has to close its idle connections itself.
func (s *Server) Client(optFns ...func(*sqs.Options)) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       region,
		BaseEndpoint: aws.String(s.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: &s.client},
	}, optFns...)
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

func (s *Server) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	dial := s.dial
	s.mu.Unlock()
	return dial(ctx, network, address)
}
