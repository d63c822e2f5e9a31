package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// roleVariable is an environment variable. Its value makes the test binary run as a
// child process of a test or benchmark, in one of these roles.
const (
	roleVariable = "WEBHOOK_TEST_ROLE"
	receiverRole = "receiver" // optional arguments: URL of the queue to relay to, listen address, certificate and its key
	queueRole    = "queue"
)

// runChild is the main function of a child. It returns when standard input ends.
func runChild(role string, args []string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if role == queueRole {
		return runQueue(ctx)
	}
	return runReceiver(ctx, args)
}

func runQueue(ctx context.Context) error {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		return err
	}
	queueURL, err := srv.CreateQueue("calls", nil)
	if err != nil {
		return err
	}
	fmt.Println(queueURL)
	<-ctx.Done()
	return srv.Close()
}

func runReceiver(ctx context.Context, args []string) error {
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	if err != nil {
		return err
	}
	cfg := webhook.Config{Keys: keys, Handler: events.HandlerFunc(succeed)}
	if len(args) > 0 && args[0] != "" {
		relay, err := newRelay(args[0])
		if err != nil {
			return err
		}
		defer relay.Close()
		cfg.Handler, cfg.Concurrency = relay, webhook.DefaultMaxInFlight
	}
	if len(args) > 3 {
		certificate, err := webhook.LoadCertificate(args[2], args[3], nil)
		if err != nil {
			return err
		}
		cfg.TLS = certificate.Config()
	}
	receiver, err := webhook.New(cfg)
	if err != nil {
		return err
	}
	addr := "127.0.0.1:0"
	if len(args) > 1 {
		addr = args[1]
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return receiver.Serve(ctx, l)
}

// newRelay returns a relay whose client is configured as that of the program.
func newRelay(queueURL string) (*webhook.Relay, error) {
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, err
	}
	client := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(u.Scheme + "://" + u.Host),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = 64
		}),
	})
	return webhook.NewRelay(client, queueURL, nil)
}
