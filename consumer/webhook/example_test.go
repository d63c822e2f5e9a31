package webhook_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A receiver is an http.Handler, so it can be mounted in a server of your own.
func Example() {
	keys, err := signature.NewKeyring(signature.Key{Secret: "the integration's secret"})
	if err != nil {
		panic(err)
	}
	mux := &events.Mux{}
	mux.Handle(events.CallEnd, events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("ended:", e.ID)
		return nil
	}))
	receiver, err := webhook.New(webhook.Config{Keys: keys, Handler: mux})
	if err != nil {
		panic(err)
	}

	body := `{"id":"example_1693389850.110","type":"call:end","time":1693389853611}`
	request := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(body))
	request.Header.Set("X-Signature", signature.Sign("the integration's secret", []byte(body)))
	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, request)
	fmt.Println(answer.Code)
	// Output:
	// ended: example_1693389850.110
	// 204
}

// Serve sets the timeouts and limits that a public address needs, and drains when its
// context ends.
func ExampleReceiver_Serve() {
	keys, err := signature.LoadKeyring("/etc/wildix-worker/secrets", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	certificate, err := webhook.LoadCertificate("cert.pem", "key.pem", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := &events.Mux{}
	mux.Handle(events.CallEnd, events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("ended:", e.ID)
		return nil
	}))
	receiver, err := webhook.New(webhook.Config{Keys: keys, Handler: mux, TLS: certificate.Config()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", ":8443")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(receiver.Serve(ctx, listener))
}

// A relay sends the events to a queue, from which workers consume them.
func ExampleRelay() {
	var client *sqs.Client // from sqs.NewFromConfig
	relay, err := webhook.NewRelay(client, "https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events", nil)
	if err != nil {
		panic(err)
	}
	defer relay.Close() // after the receiver has drained
	keys, err := signature.NewKeyring(signature.Key{Secret: "the integration's secret"})
	if err != nil {
		panic(err)
	}
	// An event that waits for SQS needs little memory, so all requests in flight may
	// wait.
	receiver, err := webhook.New(webhook.Config{Keys: keys, Handler: relay, Concurrency: webhook.DefaultMaxInFlight})
	if err != nil {
		panic(err)
	}
	http.Handle(webhook.Path, receiver)
	// Output:
}
