package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
)

// firstProcess returns the program as process 1 of a container with nothing but its own
// processes. It skips the test if this user can't make one.
func firstProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	awstest.Fatal(t, err)
	namespaces := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	probe := exec.Command("true")
	probe.SysProcAttr = namespaces
	if err := probe.Run(); err != nil {
		t.Skipf("this user can't make a process namespace: %v", err)
	}
	cmd := exec.Command(program, args...)
	cmd.Args[0] = "wildix-worker" // the test's program is the command of that name
	cmd.SysProcAttr = namespaces
	return cmd
}

func TestFirstProcessPassesOnSignalsAndExitCodes(t *testing.T) {
	for want, args := range map[int][]string{0: {"version"}, 2: {"run", "--concurrency", "none"}} {
		cmd := firstProcess(t, args...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%v: exit code %d\n%s", args, got, out)
		}
	}
}

// What a program of the command handler leaves behind must not stay in the process table.
func TestFirstProcessReapsOrphans(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, queueURL := awstest.NewQueue(t, srv.URL(), "")
	dir := t.TempDir()
	pidFile := filepath.Join(dir, "pid")
	script := filepath.Join(dir, "script")
	awstest.Fatal(t, os.WriteFile(script, []byte("#!/bin/sh\nsetsid sh -c 'exit 0' & echo handled >>"+pidFile+"\n"), 0o700))
	worker := firstProcess(t, "run")
	worker.Env = append(os.Environ(),
		"WILDIX_QUEUE_URL="+queueURL, "WILDIX_SECRET=s3cret", "WILDIX_ADMIN_ADDR=", "WILDIX_HANDLERS=command", "WILDIX_COMMAND="+script,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	stderr, err := worker.StderrPipe()
	awstest.Fatal(t, err)
	awstest.Fatal(t, worker.Start())
	send := exec.Command("wildix-worker", "send", "--queue-url", queueURL)
	send.Env = worker.Env
	if out, err := send.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	awaitTrue(t, "events handled", func() bool {
		text, _ := os.ReadFile(pidFile)
		return strings.Count(string(text), "handled") >= 3
	})
	awaitTrue(t, "no process left that has ended", func() bool { return len(zombies(t, worker.Process.Pid)) == 0 })
	awstest.Fatal(t, worker.Process.Signal(syscall.SIGTERM))
	log := bufio.NewScanner(stderr)
	drained := false
	for log.Scan() {
		drained = drained || strings.Contains(log.Text(), `"message":"drained"`)
	}
	if err := worker.Wait(); err != nil || !drained {
		t.Errorf("%v, drained: %t", err, drained)
	}
}

// zombies returns the children of a process that have ended and were not waited for.
func zombies(t *testing.T, parent int) (pids []string) {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=,stat=", "--ppid", strconv.Itoa(parent)).Output()
	if err != nil && len(out) > 0 {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasPrefix(fields[1], "Z") {
			pids = append(pids, fields[0])
		}
	}
	return pids
}
