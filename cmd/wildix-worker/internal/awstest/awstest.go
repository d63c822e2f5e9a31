// Package awstest sets up servers, queues and tables for tests.
package awstest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/consumer/sqslocal"
)

// Servers returns the endpoints, by name, of the servers that tests use besides the embedded
// one: CHECK_SERVERS="moto=http://127.0.0.1:5000 ...". Some tests change how a server behaves,
// so nothing else must use it at the same time.
func Servers() map[string]string {
	servers := make(map[string]string)
	for text := range strings.FieldsSeq(os.Getenv("CHECK_SERVERS")) {
		name, endpoint, _ := strings.Cut(text, "=")
		servers[name] = endpoint
	}
	return servers
}

// OnEveryServer runs a test on every server.
func OnEveryServer(t *testing.T, test func(t *testing.T, endpoint string)) {
	srv := StartLocal(t)
	t.Run("sqslocal", func(t *testing.T) { test(t, srv.URL()) })
	for name, endpoint := range Servers() {
		t.Run(name, func(t *testing.T) { test(t, endpoint) })
	}
}

// StartLocal starts an embedded server, and sets the environment that run and check need.
func StartLocal(t *testing.T) *sqslocal.Server {
	t.Helper()
	srv := sqslocal.New(sqslocal.Options{})
	Fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv(config.SecretVariable, "s3cret")
	return srv
}

// Fatal ends the test if there is an error.
func Fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// NewQueue creates a queue for the test. Its name has the ending, such as ".fifo".
func NewQueue(t *testing.T, endpoint, ending string) (client *sqs.Client, queueURL string) {
	t.Helper()
	queueURL = endpoint + "/000000000000/check-" + rand.Text() + ending
	client, err := awsclient.New(t.Context(), queueURL)
	Fatal(t, err)
	Fatal(t, awsclient.CreateQueue(t.Context(), client, queueURL))
	t.Cleanup(func() {
		_, err := client.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: &queueURL})
		Fatal(t, err)
	})
	return client, queueURL
}
