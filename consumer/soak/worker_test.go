package soak_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// jobVariable is the environment variable that makes the test binary a worker
// and holds its job.
const jobVariable = "CONSUMER_SOAK_JOB"

// A job is what a worker process does.
type job struct {
	Endpoint string
	QueueURL string
	Ledger   string // file
	Lease    time.Duration
	Calm     bool // its handler is quick and never fails
	// Soon: what fails asks to come back soon. Else the growing delays hold up
	// whole groups of a FIFO queue, and the end of a short run.
	Soon bool
}

// work is a worker's main function: what a program around the consumer does,
// until SIGTERM.
func work(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	go func() { // nobody waits for a worker whose parent is gone
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ledger, err := os.OpenFile(j.Ledger, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer ledger.Close()
	keys, err := signature.NewKeyring(key, otherKey)
	if err != nil {
		return err
	}
	c, err := consumer.New(newClient(j.Endpoint), consumer.Config{
		QueueURL:          j.QueueURL,
		Keys:              keys,
		Handler:           j.handler(ledger),
		VisibilityTimeout: j.Lease,
		HandlerTimeout:    j.Lease * 3 / 2,
		ShutdownTimeout:   2 * time.Second,
	})
	if err != nil {
		return err
	}
	fmt.Println("ready") // for SIGTERM, too
	return c.Run(ctx)
}

func newClient(endpoint string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = 64
		}),
	})
}

// handler writes down what it has handled, and returns nil after that.
func (j job) handler(ledger io.Writer) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		if strings.HasPrefix(e.ID, refused.String()) {
			return events.Permanent(errors.New("never again"))
		}
		if !j.Calm {
			if err := j.trouble(ctx); err != nil {
				return err
			}
		}
		_, err := ledger.Write(entry(e.ID))
		return err
	})
}

var errDown = errors.New("CRM is down")

// trouble takes its time, sometimes more than a lease and more than the
// handler's limit, and may fail.
func (j job) trouble(ctx context.Context) error {
	var took time.Duration
	switch dice := rand.IntN(100); {
	case dice < 3:
		took = rand.N(2 * j.Lease)
	case dice < 20:
		took = rand.N(100 * time.Millisecond)
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	soon := events.RetryAfter(rand.N(2*time.Second), errDown)
	switch dice := rand.IntN(100); {
	case dice < 9:
		return soon
	case dice < 11:
		panic(soon)
	case dice < 14 && !j.Soon:
		return errDown
	}
	return nil
}
