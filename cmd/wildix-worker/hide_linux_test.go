package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/consumer/sqslocal"
)

// A program of the command handler runs as the worker's user, which may otherwise read the
// environment of its processes.
func TestProgramCannotReadTheWorkersEnvironment(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{})
	awstest.Fatal(t, srv.Start(""))
	defer srv.Close()
	queueURL, err := srv.CreateQueue("calls", nil)
	awstest.Fatal(t, err)
	call := fakepbx.New().NewCall()
	eventType, body := call.Next()
	_, err = outgoing.Send(t.Context(), srv.Client(), queueURL, []outgoing.Message{outgoing.Sign("s3cret", eventType, call.ID, body, "")})
	awstest.Fatal(t, err)

	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} { // for another user
		awstest.Fatal(t, os.Chmod(d, 0o777))
	}
	output := filepath.Join(dir, "output")
	script := filepath.Join(dir, "script")
	awstest.Fatal(t, os.WriteFile(script, []byte("#!/bin/sh\ncat /proc/$PPID/environ >"+output+" 2>&1\n echo \" exit code $?\" >>"+output+"\n"), 0o755))
	worker := exec.Command(ownCopy(t, dir), "run")
	worker.Env = append(os.Environ(),
		"WILDIX_QUEUE_URL="+queueURL, "WILDIX_SECRET=s3cret", "WILDIX_ADMIN_ADDR=", "WILDIX_HANDLERS=command", "WILDIX_COMMAND="+script,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true", "HOME=/")
	worker.Dir = dir
	if os.Getuid() == 0 { // root may read everything
		worker.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	log := &strings.Builder{}
	worker.Stderr = log
	awstest.Fatal(t, worker.Start())
	for deadline := time.Now().Add(time.Minute); held(srv, "calls") > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	worker.Process.Signal(syscall.SIGTERM)
	if err := worker.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	got, _ := os.ReadFile(output)
	if !strings.Contains(string(got), "Permission denied") || !strings.Contains(string(got), "exit code 1") || strings.Contains(string(got), "s3cret") {
		t.Errorf("the program reads %q\n%s", got, log)
	}
}

// ownCopy returns a copy of the program that every user can run.
func ownCopy(t *testing.T, dir string) string {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	awstest.Fatal(t, err)
	defer from.Close()
	name := filepath.Join(dir, "wildix-worker")
	to, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	awstest.Fatal(t, err)
	_, err = io.Copy(to, from)
	awstest.Fatal(t, err)
	awstest.Fatal(t, to.Close())
	return name
}
