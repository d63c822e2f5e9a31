//go:build !unix

package command

import (
	"os"
	"os/exec"
)

// Without process groups, only the program itself is killed.

func setGroup(*exec.Cmd) {}

func terminate(leader *os.Process) error { return leader.Kill() }

func kill(*os.Process) {}
