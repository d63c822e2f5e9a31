//go:build unix

package command

import (
	"os"
	"os/exec"
	"syscall"
)

// lead makes the program the leader of a process group of its own.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks the group to end.
func terminate(leader *os.Process) error { return signalGroup(leader, syscall.SIGTERM) }

// kill ends what is left of the group, also when its leader is gone.
func kill(leader *os.Process) { signalGroup(leader, syscall.SIGKILL) }

func signalGroup(leader *os.Process, s syscall.Signal) error {
	err := syscall.Kill(-leader.Pid, s)
	if err == syscall.ESRCH {
		return os.ErrProcessDone
	}
	return err
}
