package webhook_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/internal/sqscall"
)

// Each event that was answered 204 is on the queue, whenever the receiver is killed.
// The test uses real processes and sockets.
func TestKilledReceiverLosesNoAnsweredEvent(t *testing.T) {
	const kills, senders = 5, 8
	srv := sqslocal.New(sqslocal.Options{})
	fatal(t, srv.Start(""))
	defer srv.Close()
	queueURL, err := srv.CreateQueue(standard, nil)
	fatal(t, err)
	addr := freeAddr(t)

	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	answered := make([][]string, senders)
	for s := range senders {
		sending.Go(func() { answered[s] = sendUntil(ctx, addr, fmt.Sprint("sender-", s)) })
	}
	for range kills {
		receiver := startReceiver(t, addr, queueURL)
		awaitDepth(t, srv, srv.Depth(standard).Visible+100)
		fatal(t, receiver.Process.Kill())
		receiver.Wait()
	}
	stop()
	sending.Wait()

	want := slices.Concat(answered...)
	got := receiveAll(t, srv.Client(), queueURL)
	lost := 0
	for _, body := range want {
		if !got[body] {
			lost++
		}
	}
	t.Logf("%d events were answered 204, %d of them are not on the queue", len(want), lost)
	if lost > 0 || len(want) < kills*50 {
		t.Errorf("lost %d of %d", lost, len(want))
	}
}

// sendUntil posts events one after the other until ctx ends, and returns those that
// were answered 204.
func sendUntil(ctx context.Context, addr, name string) (accepted []string) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: pbxTimeout}
	defer client.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		body := event(fmt.Sprint(name, "-", i))
		req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/webhook", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("X-Signature", sign(body))
		resp, err := client.Do(req)
		if err != nil {
			time.Sleep(time.Millisecond) // no receiver is running
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusNoContent {
			accepted = append(accepted, body)
		}
	}
	return accepted
}

func startReceiver(t *testing.T, addr, queueURL string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], queueURL, addr)
	cmd.Env = append(os.Environ(), roleVariable+"="+receiverRole)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // stays open until the child exits
	fatal(t, err)
	fatal(t, cmd.Start())
	return cmd
}

func awaitDepth(t *testing.T, srv *sqslocal.Server, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); srv.Depth(standard).Visible < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the queue has %d messages after a minute, want %d", srv.Depth(standard).Visible, n)
		}
	}
}

// receiveAll returns the bodies of all messages on the queue.
func receiveAll(t *testing.T, client *sqs.Client, queueURL string) map[string]bool {
	t.Helper()
	bodies := make(map[string]bool)
	for {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: sqscall.MaxBatch, VisibilityTimeout: 3600})
		fatal(t, err)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies[*m.Body] = true
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	fatal(t, l.Close())
	return l.Addr().String()
}
