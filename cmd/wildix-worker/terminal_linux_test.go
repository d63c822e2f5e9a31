package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
)

// On a terminal the log handler writes columns, unless --output says otherwise. What an event
// says can't send commands to the terminal, and the program's own log goes elsewhere.
func TestRunShowsColumnsOnATerminal(t *testing.T) {
	srv := awstest.StartLocal(t)
	client, queueURL := awstest.NewQueue(t, srv.URL(), "")
	for name, value := range map[string]string{
		"WILDIX_QUEUE_URL": queueURL, "WILDIX_SECRET": "s3cret", "WILDIX_ADMIN_ADDR": "", "NO_COLOR": "1",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	body := []byte(`{"id":"\u009b2J","type":"call:start","time":1693389850810,"data":{"status":"CONNECTING","destination":"201",` +
		`"caller":{"phone":"+12025550100","name":"\u001b]0;owned\u0007\u009b2J"}}}`)
	for output, want := range map[string]string{
		"auto": `^\d\d:\d\d:\d\d\.\d{3}  call:start   \+12025550100 [^\x00-\x1f\x{80}-\x{9f}]+ > 201 +CONNECTING\r\n$`,
		"json": `^\{"time":"2023-08-30T10:04:10.810Z","id":"\\u009b2J",[^\x00-\x1f\x{80}-\x{9f}]*"status":"CONNECTING"\}\r\n$`,
	} {
		_, err := outgoing.Send(t.Context(), client, queueURL, []outgoing.Message{outgoing.Sign("s3cret", "call:start", "1", body, "")})
		awstest.Fatal(t, err)
		terminal, screen := openTerminal(t)
		worker := exec.Command("wildix-worker", "run", "--output", output)
		var log strings.Builder
		worker.Stdout, worker.Stderr = terminal, &log
		awstest.Fatal(t, worker.Start())
		line, err := bufio.NewReader(screen).ReadString('\n')
		awstest.Fatal(t, err)
		awstest.Fatal(t, worker.Process.Signal(os.Interrupt))
		if err := worker.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &log)
		}
		if !regexp.MustCompile(want).MatchString(line) {
			t.Errorf("--output %s: the terminal shows %q", output, line)
		}
		if !strings.Contains(log.String(), `"message":"consuming"`) {
			t.Errorf("--output %s: standard error has\n%s", output, &log)
		}
	}
}

// A worker that was started by hand must not go on unseen when its terminal is closed.
func TestRunDrainsWhenItsTerminalIsClosed(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, queueURL := awstest.NewQueue(t, srv.URL(), "")
	for name, value := range map[string]string{
		"WILDIX_QUEUE_URL": queueURL, "WILDIX_SECRET": "s3cret", "WILDIX_ADMIN_ADDR": "",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	terminal, screen := openTerminal(t)
	worker := exec.Command("wildix-worker", "run")
	worker.Stdin, worker.Stdout = terminal, terminal
	worker.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	stderr, err := worker.StderrPipe()
	awstest.Fatal(t, err)
	awstest.Fatal(t, worker.Start())
	terminal.Close()
	log := bufio.NewScanner(stderr)
	drained := false
	for log.Scan() {
		if strings.Contains(log.Text(), `"message":"consuming"`) {
			screen.Close()
		}
		drained = drained || strings.Contains(log.Text(), `"message":"drained"`)
	}
	if err := worker.Wait(); err != nil || !drained {
		t.Errorf("%v, drained: %t", err, drained)
	}
}

// openTerminal returns a terminal and what is to be seen on it.
func openTerminal(t *testing.T) (terminal, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	awstest.Fatal(t, err)
	t.Cleanup(func() { screen.Close() })
	awstest.Fatal(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	awstest.Fatal(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	awstest.Fatal(t, err)
	t.Cleanup(func() { terminal.Close() })
	return terminal, screen
}
