package bench_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

var (
	messageCount = flag.Int("messages", 60_000, "messages that a run consumes")
	idleTime     = flag.Duration("idle", time.Minute, "how long the idle program is measured")
)

// roleVariable is an environment variable that makes the test binary a child process.
const roleVariable = "WORKER_BENCH_ROLE"

// The roles of child processes.
const (
	serverRole = "server"
	loopRole   = "loop"
)

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		code := m.Run()
		removeProgram()
		os.Exit(code)
	case serverRole:
		err = serve()
	case loopRole:
		err = runLoop()
	default:
		err = fmt.Errorf("no role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// onlyOnLinux skips where figures() can't measure.
func onlyOnLinux(tb testing.TB) {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("CPU time and memory of a process are read from /proc")
	}
}

// built builds the program once, and returns its path. Other flags than those of go test would
// compile all packages again.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "wildix-worker")
	out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "wildix-worker/cmd/wildix-worker").CombinedOutput()
	if err != nil {
		return path, fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// removeProgram removes what built has made. It builds nothing after the tests, as it is only
// called when all have run.
func removeProgram() {
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
}
