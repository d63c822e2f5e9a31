package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/tunnel/tunneltest"
)

// Events that are posted to the public URL arrive, and the program stops cleanly with an
// open tunnel.
func TestWebhookReceivesThroughATunnel(t *testing.T) {
	srv := tunneltest.Start(t, "127.0.0.1:0")
	t.Setenv("WILDIX_SECRET", "s3cret")
	t.Setenv("WILDIX_ADMIN_ADDR", "")
	worker := exec.Command("wildix-worker", "webhook", "--listen-addr", ":0", "--tunnel", "localtunnel:mycalls", "--tunnel-server", srv.URL)
	stdout, err := worker.StdoutPipe()
	awstest.Fatal(t, err)
	stderr, err := worker.StderrPipe()
	awstest.Fatal(t, err)
	awstest.Fatal(t, worker.Start())
	public := srv.URL + "/public/mycalls/webhook"
	log := bufio.NewScanner(stderr)
	for log.Scan() && !strings.Contains(log.Text(), `"url":"`+public+`"`) { //nolint:revive // skips lines
	}
	awstest.Fatal(t, log.Err())
	send := exec.Command("wildix-worker", "send", "--webhook", public)
	if out, err := send.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.Contains(line, `"type":"call:start"`) {
		t.Errorf("the first event is %q, %v", line, err)
	}
	awstest.Fatal(t, worker.Process.Signal(os.Interrupt))
	for log.Scan() {
	}
	if err := worker.Wait(); err != nil {
		t.Error(err)
	}
}
