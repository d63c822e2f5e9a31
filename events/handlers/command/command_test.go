package command_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
	"wildix-worker/events/handlers/command"
)

// TestMain runs the tests, or is the program that they run: its first argument names a
// role.
func TestMain(m *testing.M) {
	if role, ok := roles[strings.Join(os.Args[1:min(len(os.Args), 2)], "")]; ok {
		role(os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}

var roles = map[string]func(args []string){
	"copy": func(args []string) { // writes its input and environment to a file
		body, _ := io.ReadAll(os.Stdin)
		os.WriteFile(args[0], []byte(strings.Join(os.Environ(), "\n")+"\n\n"+string(body)), 0o600)
	},
	"exit": func(args []string) { // exits with a code, without reading its input
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	},
	"flood": func([]string) {
		for range 10_000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("x", 1000))
		}
	},
	"complain": func([]string) {
		fmt.Fprintln(os.Stderr, "CRM says no\nand \xff more")
		os.Exit(1)
	},
	"stubborn": func(args []string) { // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		announce(args[0])
		time.Sleep(time.Hour)
	},
	"obedient": func(args []string) { // cleans up on SIGTERM
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		announce(args[0])
		<-terminated
		os.WriteFile(args[0]+".clean", nil, 0o600)
	},
	"parent": func(args []string) { // starts a child that inherits its standard error
		start("stubborn", args[0])
		time.Sleep(time.Hour)
	},
	"daemonizer": func(args []string) { start("stubborn", args[0]) }, // leaves a child behind
}

func start(args ...string) {
	self, _ := os.Executable()
	p, err := os.StartProcess(self, append([]string{self}, args...), &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		panic(err)
	}
	p.Release()
}

// announce writes the process id to a file.
func announce(file string) {
	os.WriteFile(file+".new", []byte(strconv.Itoa(os.Getpid())), 0o600)
	os.Rename(file+".new", file)
}

var event = &events.Event{
	ID: "call-1\x00", Type: events.CallEnd, Company: "example", PBX: "221100001bab", IntegrationID: "8qkmnq", ReceiveCount: 3,
	Time: time.Date(2023, 8, 30, 10, 4, 13, 611e6, time.UTC), Raw: []byte(`{"id":"call-1"}`),
}

func newHandler(t testing.TB, cfg command.Config, args ...string) *command.Handler {
	t.Helper()
	self, err := os.Executable()
	fatal(t, err)
	t.Setenv("GOCOVERDIR", t.TempDir()) // else the program warns of it under go test -cover
	cfg.PassOn = append(cfg.PassOn, "GOCOVERDIR")
	cfg.Args = append([]string{self}, args...)
	h, err := command.New(cfg)
	fatal(t, err)
	return h
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// No program can be started with such a variable, whatever the number of tries.
func TestIDTooLongForAVariableIsAPermanentError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "got")
	h := newHandler(t, command.Config{}, "copy", file)
	long := *event
	long.ID = strings.Repeat("x", 200<<10)
	err := h.HandleEvent(t.Context(), &long)
	if !events.IsPermanent(err) || !strings.Contains(err.Error(), "WILDIX_CALL_ID would have 204815 bytes") {
		t.Errorf("%v", err)
	}
	long.ID = strings.Repeat("x", 60<<10)
	fatal(t, h.HandleEvent(t.Context(), &long))
}

func TestProgramGetsTheEvent(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
	file := filepath.Join(t.TempDir(), "got")
	fatal(t, newHandler(t, command.Config{}, "copy", file).HandleEvent(t.Context(), event))
	got, err := os.ReadFile(file)
	fatal(t, err)
	environ, body, _ := strings.Cut(string(got), "\n\n")
	if body != string(event.Raw) {
		t.Errorf("input %q", body)
	}
	variables := strings.Split(environ, "\n")
	for _, want := range []string{
		"WILDIX_EVENT_TYPE=call:end", "WILDIX_EVENT_TIME=2023-08-30T10:04:13.611Z", "WILDIX_CALL_ID=call-1\ufffd", "WILDIX_COMPANY=example",
		"WILDIX_PBX=221100001bab", "WILDIX_INTEGRATION_ID=8qkmnq", "WILDIX_RECEIVE_COUNT=3", "WILDIX_DELIVERY_KEY=" + event.DeliveryKey(),
		"PATH=" + os.Getenv("PATH"),
	} {
		if !strings.Contains("\n"+environ+"\n", "\n"+want+"\n") {
			t.Errorf("%s is not in the environment: %q", want, variables)
		}
	}
	if strings.Contains(environ, "s3cret") || strings.Contains(environ, "WILDIX_REPLAY") {
		t.Errorf("a secret or a mark of replays is in the environment: %q", environ)
	}
}

func TestReplayIsMarked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "got")
	again := *event
	again.Replay = true
	fatal(t, newHandler(t, command.Config{}, "copy", file).HandleEvent(t.Context(), &again))
	got, err := os.ReadFile(file)
	fatal(t, err)
	if !strings.Contains(string(got), "WILDIX_REPLAY=true\n") || !strings.Contains(string(got), "WILDIX_DELIVERY_KEY="+event.DeliveryKey()) {
		t.Errorf("got %q", got)
	}
}

func TestVariablesArePassedOnByName(t *testing.T) {
	t.Setenv("CRM_TOKEN", "abc")
	t.Setenv("WILDIX_SECRET", "s3cret")
	file := filepath.Join(t.TempDir(), "got")
	fatal(t, newHandler(t, command.Config{PassOn: []string{"CRM_TOKEN", "NOT_SET"}}, "copy", file).HandleEvent(t.Context(), event))
	got, err := os.ReadFile(file)
	fatal(t, err)
	if !strings.Contains(string(got), "CRM_TOKEN=abc\n") || strings.Contains(string(got), "NOT_SET") || strings.Contains(string(got), "s3cret") {
		t.Errorf("environment %q", got)
	}
}

func TestExitCodeIsTheOutcome(t *testing.T) {
	for code, outcome := range map[string]string{"0": "done", "1": "again", "3": "never", "255": "again"} {
		err := newHandler(t, command.Config{PermanentExit: 3}, "exit", code).HandleEvent(t.Context(), event)
		got := "again"
		if err == nil {
			got = "done"
		} else if events.IsPermanent(err) {
			got = "never"
		}
		if got != outcome {
			t.Errorf("exit code %s: %v is %s, want %s", code, err, got, outcome)
		}
	}
	if err := newHandler(t, command.Config{}, "exit", "3").HandleEvent(t.Context(), event); events.IsPermanent(err) {
		t.Errorf("without a setting: %v", err)
	}
}

// An update may remove a program for a moment, or leave half of it.
func TestProgramThatCanNotBeStartedIsTriedAgain(t *testing.T) {
	self, err := os.Executable()
	fatal(t, err)
	path := filepath.Join(t.TempDir(), "program")
	fatal(t, os.Symlink(self, path))
	t.Setenv("GOCOVERDIR", t.TempDir())
	h, err := command.New(command.Config{Args: []string{path, "exit", "0"}, PermanentExit: 1, PassOn: []string{"GOCOVERDIR"}})
	fatal(t, err)
	fatal(t, h.HandleEvent(t.Context(), event))
	for name, put := range map[string]func() error{
		"missing":        func() error { return nil },
		"a folder":       func() error { return os.Mkdir(path, 0o700) },
		"not executable": func() error { return os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600) },
		"half of it":     func() error { return os.WriteFile(path, []byte("\x7fELF"), 0o700) },
	} {
		fatal(t, os.Remove(path))
		fatal(t, put())
		if err := h.HandleEvent(t.Context(), event); err == nil || events.IsPermanent(err) || !strings.Contains(err.Error(), "program "+path) {
			t.Errorf("%s: %v", name, err)
		}
		fatal(t, os.RemoveAll(path))
		fatal(t, os.Symlink(self, path))
		fatal(t, h.HandleEvent(t.Context(), event))
	}
}

func TestProgramNeedNotReadItsInput(t *testing.T) {
	large := *event
	large.Raw = bytes.Repeat([]byte("x"), events.MaxSize)
	fatal(t, newHandler(t, command.Config{}, "exit", "0").HandleEvent(t.Context(), &large))
}

func TestStandardErrorIsLoggedUpToALimit(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	cfg := command.Config{Logger: zap.New(core)}
	fatal(t, newHandler(t, cfg, "flood").HandleEvent(t.Context(), event))
	if err := newHandler(t, cfg, "complain").HandleEvent(t.Context(), event); err == nil {
		t.Error("no error")
	}
	lines := logs.All()
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	flood, complaint := lines[0].ContextMap(), lines[1].ContextMap()
	if text := flood["stderr"].(string); lines[0].Level != zap.InfoLevel || len(text) != 4<<10 || flood["dropped"] != int64(10_000*1001-4<<10) {
		t.Errorf("of the flood: %d bytes at %s, %v dropped", len(text), lines[0].Level, flood["dropped"])
	}
	if complaint["stderr"] != "CRM says no\nand \ufffd more" || lines[1].Level != zap.WarnLevel || complaint["type"] != "call:end" {
		t.Errorf("of the complaint: %v at %s", complaint, lines[1].Level)
	}
}

// running waits until a process has written its id to the file.
func running(t *testing.T, file string) (pid int) {
	t.Helper()
	for range 6000 {
		if text, err := os.ReadFile(file); err == nil {
			pid, err = strconv.Atoi(string(text))
			fatal(t, err)
			return pid
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no process has started within a minute")
	return 0
}

// wantGone waits until the process has ended. A zombie will do, since its new parent
// may be slow to reap it.
func wantGone(t *testing.T, pid int) {
	t.Helper()
	for range 6000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) == syscall.ESRCH || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
}

func TestWholeGroupIsKilledWhenTheContextEnds(t *testing.T) {
	for _, role := range []string{"stubborn", "parent"} {
		t.Run(role, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			h := newHandler(t, command.Config{}, role, file)
			var err error
			var handling sync.WaitGroup
			handling.Go(func() { err = h.HandleEvent(ctx, event) })
			pid := running(t, file)
			cancel()
			handling.Wait()
			if err == nil {
				t.Error("no error, though the program was killed")
			}
			wantGone(t, pid)
		})
	}
}

func TestProgramMayCleanUpOnSIGTERM(t *testing.T) {
	command.SetGrace(t, time.Minute)
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := newHandler(t, command.Config{}, "obedient", file)
	var err error
	var handling sync.WaitGroup
	handling.Go(func() { err = h.HandleEvent(ctx, event) })
	running(t, file)
	cancel()
	handling.Wait()
	if _, statErr := os.Stat(file + ".clean"); statErr != nil || err != nil {
		t.Errorf("cleaned up: %v; error %v, though the exit code is 0", statErr, err)
	}
}

// The child that keeps running has the program's standard error open.
func TestProcessesLeftBehindAreNotWaitedFor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	fatal(t, newHandler(t, command.Config{}, "daemonizer", file).HandleEvent(t.Context(), event))
	pid := running(t, file)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("process %d no longer runs: %v", pid, err)
	}
	fatal(t, syscall.Kill(pid, syscall.SIGKILL))
	wantGone(t, pid)
}

func TestNewReportsEveryInvalidField(t *testing.T) {
	_, err := command.New(command.Config{Args: []string{"no-such-program"}, PermanentExit: 256})
	want := "Args: \"no-such-program\" can't be run: executable file not found in $PATH\nPermanentExit: 256 is not an exit code from 1 to 255"
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	if _, err := command.New(command.Config{}); err == nil {
		t.Error("no program, and no error")
	}
}

func BenchmarkTrue(b *testing.B) {
	h, err := command.New(command.Config{Args: []string{"true"}})
	fatal(b, err)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			fatal(b, h.HandleEvent(b.Context(), event))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
