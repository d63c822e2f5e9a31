//go:build unix

package command

import (
	"os"
	"os/exec"
	"syscall"
)

// setGroup makes the program the leader of a process group of its own.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate sends SIGTERM to the group.
func terminate(leader *os.Process) error { return signalGroup(leader, syscall.SIGTERM) }

// kill kills the rest of the group, also after its leader has exited.
func kill(leader *os.Process) { _ = signalGroup(leader, syscall.SIGKILL) }

func signalGroup(leader *os.Process, s syscall.Signal) error {
	err := syscall.Kill(-leader.Pid, s)
	if err == syscall.ESRCH {
		return os.ErrProcessDone
	}
	return err
}
