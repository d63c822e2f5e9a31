package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
)

// The Go runtime knows the memory limit of a container or unit, unless GOMEMLIMIT is set.
func TestMemoryLimitOfTheControlGroupIsKept(t *testing.T) {
	group := newControlGroup(t, "134217728")
	for name, value := range map[string]string{
		"WILDIX_SECRET": "s3cret", "WILDIX_LISTEN_ADDR": "127.0.0.1:0", "WILDIX_ADMIN_ADDR": "",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(name, value)
	}
	for given, want := range map[string]bool{"": true, "64MiB": false} {
		t.Setenv("GOMEMLIMIT", given)
		if given == "" {
			os.Unsetenv("GOMEMLIMIT")
		}
		log := startInGroup(t, group)
		if got := strings.Contains(log, `"message":"memory is limited","bytes":120795955`); got != want {
			t.Errorf("GOMEMLIMIT=%s: the log is\n%s", given, log)
		}
	}
}

// newControlGroup returns a group with a memory limit. It skips the test if this machine
// does not let it make one.
func newControlGroup(t *testing.T, limit string) (group string) {
	t.Helper()
	for root, file := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		group, err := os.MkdirTemp(root, "wildix-worker-test-*") //nolint:usetesting // a group, not a folder
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(group) })
		if os.WriteFile(filepath.Join(group, file), []byte(limit), 0) == nil {
			return group
		}
	}
	t.Skip("this machine does not let the test make a control group with a memory limit")
	return ""
}

// startInGroup runs a webhook in a control group until it listens, and returns its log.
func startInGroup(t *testing.T, group string) (log string) {
	t.Helper()
	worker := exec.Command("sh", "-c", `echo $$ > "$0"/cgroup.procs && exec wildix-worker webhook`, group)
	stderr, err := worker.StderrPipe()
	awstest.Fatal(t, err)
	awstest.Fatal(t, worker.Start())
	buffer := make([]byte, 4096)
	for !strings.Contains(log, `"message":"receiving"`) {
		n, err := stderr.Read(buffer)
		if log += string(buffer[:n]); err != nil {
			t.Fatalf("%v; the log is\n%s", err, log)
		}
	}
	awstest.Fatal(t, worker.Process.Signal(os.Interrupt))
	awstest.Fatal(t, worker.Wait())
	return log
}
