package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/systemd/systemdtest"
	"wildix-worker/consumer/sqslocal"
)

const unitFile = "../../deploy/systemd/wildix-worker.service"

// A unit runs the program as systemd would run the unit file: its ExecStart line, with its
// Environment and a file of secrets.
type unit struct {
	*systemdtest.Manager
	t        *testing.T
	srv      *sqslocal.Server
	queueURL string
	settings map[string][]string // of the unit file, by name
}

func newUnit(t *testing.T) *unit {
	t.Helper()
	u := &unit{Manager: systemdtest.New(t), t: t, srv: sqslocal.New(sqslocal.Options{}), settings: readUnit(t)}
	awstest.Fatal(t, u.srv.Start(""))
	t.Cleanup(func() { u.srv.Close() })
	var err error
	u.queueURL, err = u.srv.CreateQueue("calls", nil)
	awstest.Fatal(t, err)
	return u
}

// readUnit returns the settings of the unit file by name. Some occur more than once.
func readUnit(t *testing.T) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(unitFile)
	awstest.Fatal(t, err)
	settings := make(map[string][]string)
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return settings
}

// start runs the unit, with args instead of its own arguments if there are any.
func (u *unit) start(args ...string) *exec.Cmd {
	u.t.Helper()
	credentials := u.t.TempDir()
	name, _, _ := strings.Cut(u.settings["LoadCredential"][0], ":")
	awstest.Fatal(u.t, os.WriteFile(filepath.Join(credentials, name), []byte("s3cret\n"), 0o400))
	line := strings.Fields(u.settings["ExecStart"][0])
	if len(args) == 0 {
		args = line[1:]
	}
	cmd := exec.Command(filepath.Base(line[0]), args...)
	cmd.Dir = u.t.TempDir() // a crash may write files here
	cmd.Env = append(os.Environ(),
		"WATCHDOG_USEC=200000", "WILDIX_ADMIN_ADDR=", "WILDIX_QUEUE_URL="+u.queueURL,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	for _, assignment := range u.settings["Environment"] {
		cmd.Env = append(cmd.Env, strings.ReplaceAll(assignment, "%d", credentials))
	}
	cmd.Stderr = &strings.Builder{}
	awstest.Fatal(u.t, cmd.Start())
	u.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd
}

func TestUnitNotifiesReadyWatchdogAndStopping(t *testing.T) {
	u := newUnit(t)
	worker := u.start()
	u.Await("READY=1")
	u.Await("WATCHDOG=1")
	event := fakepbx.New().NewCall()
	eventType, body := event.Next()
	_, err := outgoing.Send(t.Context(), u.srv.Client(), u.queueURL, []outgoing.Message{outgoing.Sign("s3cret", eventType, event.ID, body, "")})
	awstest.Fatal(t, err)
	u.Await("STATUS=0 in hand; 1 handled")
	u.Await("WATCHDOG=1")
	awstest.Fatal(t, worker.Process.Signal(syscall.SIGTERM))
	if err := worker.Wait(); err != nil {
		t.Errorf("%v\n%s", err, worker.Stderr)
	}
	u.Want("STOPPING=1", "EXTEND_TIMEOUT_USEC=35000000")
	ready, stopping := slices.Index(u.Lines, "READY=1"), slices.Index(u.Lines, "STOPPING=1")
	if ready > stopping || slices.Contains(u.Lines[ready+1:], "READY=1") {
		t.Errorf("notified with %q", u.Lines)
	}
}

func TestWebhookUnitIsReadyWhenItListens(t *testing.T) {
	u := newUnit(t)
	u.start("webhook", "--listen-addr", "127.0.0.1:0")
	u.Await("READY=1")
	u.Await("WATCHDOG=1")
	if !slices.ContainsFunc(u.Lines, func(line string) bool { return strings.HasPrefix(line, "STATUS=listening on 127.0.0.1:") }) {
		t.Errorf("notified with %q", u.Lines)
	}
}

// Systemd does not restart the worker after exit code 2, which stands for wrong settings. A
// crash, or the watchdog's SIGABRT, must not end with it, although that is Go's default.
func TestUnitCrashDoesNotExitLikeWrongSettings(t *testing.T) {
	u := newUnit(t)
	if got := u.settings["RestartPreventExitStatus"]; !slices.Equal(got, []string{"2"}) {
		t.Errorf("RestartPreventExitStatus=%q", got)
	}
	wrong := u.start("run", "--concurrency", "none")
	var exit *exec.ExitError
	if err := wrong.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("wrong settings: %v", err)
	}
	if len(u.Read()) > 0 {
		t.Errorf("wrong settings: notified with %q", u.Lines)
	}

	worker := u.start()
	u.Await("READY=1")
	awstest.Fatal(t, worker.Process.Signal(syscall.SIGABRT))
	err := worker.Wait()
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGABRT {
		t.Errorf("a crash: %v", err)
	}
	if !strings.Contains(worker.Stderr.(*strings.Builder).String(), "goroutine ") {
		t.Error("a crash prints no stack traces")
	}
}
