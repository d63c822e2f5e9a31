package sqslocal

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal/internal/queue"
)

// Client returns a client of the AWS SDK for the server's first listener, so the server must have been started. Its credentials are
// made up. optFns are applied last. All clients share a connection pool, which Close closes; if optFns set another HTTPClient, its
// idle connections are for the caller to close.
func (s *Server) Client(optFns ...func(*sqs.Options)) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       queue.Region,
		BaseEndpoint: aws.String(s.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: &s.client},
	}, optFns...)
}
