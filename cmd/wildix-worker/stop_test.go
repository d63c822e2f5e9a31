package main

import (
	"errors"
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

// Timeout(1) signals the process and its group, so that the process gets two signals at once.
func TestSignalsWithinASecondAreOne(t *testing.T) {
	worker, finish := busyWorker(t)
	signalled := time.Now()
	for range 10 {
		awstest.Fatal(t, worker.Process.Signal(syscall.SIGTERM))
	}
	finish()
	if err := worker.Wait(); err != nil {
		t.Errorf("%v after %v\n%s", err, time.Since(signalled), worker.Stderr)
	}
}

func TestLaterSignalEndsTheWorkerAtOnce(t *testing.T) {
	worker, _ := busyWorker(t)
	signalled := time.Now()
	ended := make(chan error)
	go func() { ended <- worker.Wait() }()
	for {
		worker.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM || time.Since(signalled) < oneSignal {
				t.Errorf("%v after %v\n%s", err, time.Since(signalled), worker.Stderr)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(signalled) > time.Minute {
			t.Fatal("the worker has not ended within a minute")
		}
	}
}

// busyWorker returns a worker that handles an event until finish is called.
func busyWorker(t *testing.T) (worker *exec.Cmd, finish func()) {
	t.Helper()
	srv := sqslocal.New(sqslocal.Options{})
	awstest.Fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	queueURL, err := srv.CreateQueue("calls", nil)
	awstest.Fatal(t, err)
	call := fakepbx.New().NewCall()
	eventType, body := call.Next()
	_, err = outgoing.Send(t.Context(), srv.Client(), queueURL, []outgoing.Message{outgoing.Sign("s3cret", eventType, call.ID, body, "")})
	awstest.Fatal(t, err)

	dir := t.TempDir()
	started, finished := filepath.Join(dir, "started"), filepath.Join(dir, "finished")
	program := filepath.Join(dir, "program")
	awstest.Fatal(t, os.WriteFile(program, []byte("#!/bin/sh\n: >"+started+"\nuntil [ -e "+finished+" ]; do sleep 0.05; done\n"), 0o700))
	for _, setting := range []string{
		"WILDIX_QUEUE_URL=" + queueURL, "WILDIX_SECRET=s3cret", "WILDIX_ADMIN_ADDR=", "WILDIX_HANDLERS=command", "WILDIX_COMMAND=" + program,
		"WILDIX_HANDLER_TIMEOUT=10m", "WILDIX_SHUTDOWN_TIMEOUT=10m",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
	} {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	worker = startProgram(t, "run")
	finish = func() { awstest.Fatal(t, os.WriteFile(finished, nil, 0o600)) }
	t.Cleanup(finish)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(started); err == nil {
			return worker, finish
		}
		if time.Now().After(deadline) {
			worker.Process.Kill()
			worker.Wait()
			t.Fatalf("the event is not handled within a minute\n%s", worker.Stderr)
		}
	}
}
