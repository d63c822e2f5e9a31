package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// roleVariable is the environment variable that makes the test binary a child
// of a test or benchmark, in the role that it names.
const (
	roleVariable = "WEBHOOK_TEST_ROLE"
	receiverRole = "receiver" // with arguments: the URL of the queue behind it, the address
	queueRole    = "queue"
)

// play is a child's main function. It ends with standard input.
func play(role string, args []string) error {
	debug.SetGCPercent(200) // as the program does
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if role == queueRole {
		return playQueue(ctx)
	}
	return playReceiver(ctx, args)
}

func playQueue(ctx context.Context) error {
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

func playReceiver(ctx context.Context, args []string) error {
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	if err != nil {
		return err
	}
	cfg := webhook.Config{Keys: keys, Handler: events.HandlerFunc(succeed)}
	if len(args) > 0 {
		relay, err := newChildRelay(args[0])
		if err != nil {
			return err
		}
		defer relay.Close()
		cfg.Handler, cfg.Concurrency = relay, webhook.DefaultMaxInFlight
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

// newChildRelay has a client like that of the program.
func newChildRelay(queueURL string) (*webhook.Relay, error) {
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
