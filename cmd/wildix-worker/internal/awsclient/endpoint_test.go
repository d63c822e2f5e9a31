package awsclient_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/dns/dnsmessage"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/exit"
)

// resolveOnly has names resolved by a server that knows these hosts, at an address where no
// one answers.
func resolveOnly(t *testing.T, hosts ...string) {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		packet := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			server.WriteTo(answer(packet[:n], hosts), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() { net.DefaultResolver = before; server.Close(); <-served })
}

func answer(query []byte, hosts []string) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	question := m.Questions[0]
	m.Header.Response, m.Additionals, m.RCode = true, nil, dnsmessage.RCodeNameError
	for _, host := range hosts {
		if question.Name.String() != host+"." {
			continue
		}
		m.RCode = dnsmessage.RCodeSuccess
		if question.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
	}
	reply, _ := m.Pack()
	return reply
}

// AWS has no FIPS endpoint in Frankfurt: to wait for it is to wait for ever.
func TestEndpointThatDoesNotExistIsNotWaitedFor(t *testing.T) {
	resolveOnly(t, "sqs.eu-central-1.amazonaws.com")
	setAWS(t, "", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_USE_FIPS_ENDPOINT=true")
	client, err := awsclient.New(t.Context(), queueURL)
	if err != nil {
		t.Fatal(err)
	}
	var usage *exit.UsageError
	for name, err := range map[string]error{
		"worker":  awsclient.WaitForQueue(t.Context(), client, queueURL, zap.NewNop()),
		"webhook": awsclient.CheckTarget(t.Context(), client, queueURL, "forward queue", "--forward-queue-url"),
	} {
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), "AWS has no endpoint sqs-fips.eu-central-1.amazonaws.com: unset AWS_USE_FIPS_ENDPOINT") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without any names, the network may come up later.
func TestNetworkWithoutNamesIsWaitedFor(t *testing.T) {
	resolveOnly(t)
	setAWS(t, "", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_USE_FIPS_ENDPOINT=true")
	client, err := awsclient.New(t.Context(), queueURL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := awsclient.WaitForQueue(ctx, client, queueURL, zap.NewNop()); err != nil {
		t.Error(err)
	}
}
