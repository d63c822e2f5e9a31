//go:build unix

// Package initprocess lets the program be the first process of a container. The kernel makes
// that one the parent of every process whose own parent has ended, and a parent must wait for
// its children, or they stay in the process table. So the first process only does that, and the
// program itself runs as its child.
package initprocess

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// self is this program, also if its file was replaced.
const self = "/proc/self/exe"

// Run returns false at once if this is not the first process. Otherwise it runs the program
// again as a child, passes signals on to it, waits for all processes, and returns the exit code
// of the child, or 128 and the number of the signal that ended it.
func Run() (code int, isFirst bool) {
	if os.Getpid() != 1 {
		return 0, false
	}
	signals := make(chan os.Signal, 64) // before the child may end
	signal.Notify(signals)
	child, err := os.StartProcess(self, os.Args, &os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}) //nolint:gosec // itself, with its own arguments
	if err != nil {
		fmt.Fprintf(os.Stderr, "wildix-worker: as the first process: %v; start the container with an init process\n", err)
		return 1, true
	}
	for s := range signals {
		switch s {
		case syscall.SIGCHLD:
			if code, ended := reap(child.Pid); ended {
				return code, true
			}
		case syscall.SIGURG, syscall.SIGPIPE: // the Go runtime's own, and this process's output
		default:
			_ = child.Signal(s) // it may have ended
		}
	}
	return 1, true // not reached: signals is never closed
}

// reap waits for every process that has ended, and returns the exit code of the child if it is
// one of them.
func reap(child int) (code int, ended bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid <= 0:
			return code, ended
		case pid == child && status.Signaled():
			code, ended = 128+int(status.Signal()), true
		case pid == child && status.Exited():
			code, ended = status.ExitStatus(), true
		}
	}
}
