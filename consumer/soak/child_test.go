package soak_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/signature"
)

// configVariable is an environment variable. Its value, a workerConfig as JSON, makes the
// test binary run as a worker.
const configVariable = "CONSUMER_SOAK_WORKER"

// A workerConfig configures a worker process.
type workerConfig struct {
	Number   int // of the process
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
	router, err := cfg.handler(ledger)
	if err != nil {
		return err
	}
	c, err := consumer.New(newClient(cfg.Endpoint, cfg.Number), consumer.Config{
		QueueURL:          cfg.QueueURL,
		Keys:              keys,
		Handler:           router,
		Concurrency:       router.Concurrency(),
		Blocked:           router.Blocked,
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

// newClient returns a client whose calls tell the proxy the worker's number.
func newClient(endpoint string, number int) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(fmt.Sprint("worker-", number), "local", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = 64
		}),
	})
}
