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

// configVariable is an environment variable. Its value, a workerConfig as JSON, makes the
// test binary run as a worker.
const configVariable = "CONSUMER_SOAK_WORKER"

// A workerConfig configures a worker process.
type workerConfig struct {
	Endpoint string
	QueueURL string
	Ledger   string // path
	Lease    time.Duration
	// Calm: the handler is quick and does not fail by itself.
	Calm bool
	// RetrySoon: a handler that fails always asks for a short delay. Otherwise
	// growing delays would block groups of a FIFO queue, and prolong a short run.
	RetrySoon bool
}

// runWorker is the main function of a worker: it consumes until SIGTERM, like a program
// that uses the library.
func runWorker(text string) error {
	var cfg workerConfig
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	go func() { // exit when the parent has
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ledger, err := os.OpenFile(cfg.Ledger, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer ledger.Close()
	keys, err := signature.NewKeyring(key, otherKey)
	if err != nil {
		return err
	}
	c, err := consumer.New(newClient(cfg.Endpoint), consumer.Config{
		QueueURL:          cfg.QueueURL,
		Keys:              keys,
		Handler:           cfg.handler(ledger),
		VisibilityTimeout: cfg.Lease,
		HandlerTimeout:    cfg.Lease * 3 / 2,
		ShutdownTimeout:   2 * time.Second,
	})
	if err != nil {
		return err
	}
	fmt.Println("ready") // SIGTERM is handled from here on
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

// handler writes the id of each event to the ledger before it returns nil.
func (cfg workerConfig) handler(ledger io.Writer) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		if strings.HasPrefix(e.ID, permanent.String()) {
			return events.Permanent(errors.New("the event can't be handled"))
		}
		if !cfg.Calm {
			if err := cfg.misbehave(ctx); err != nil {
				return err
			}
		}
		_, err := ledger.Write(entry(e.ID))
		return err
	})
}

var errDown = errors.New("CRM is down")

// misbehave sometimes takes longer than a lease or the handler timeout, fails or panics.
func (cfg workerConfig) misbehave(ctx context.Context) error {
	var delay time.Duration
	switch n := rand.IntN(100); {
	case n < 3:
		delay = rand.N(2 * cfg.Lease)
	case n < 20:
		delay = rand.N(100 * time.Millisecond)
	}
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	retrySoon := events.RetryAfter(rand.N(2*time.Second), errDown)
	switch n := rand.IntN(100); {
	case n < 9:
		return retrySoon
	case n < 11:
		panic(retrySoon)
	case n < 14 && !cfg.RetrySoon:
		return errDown
	}
	return nil
}
