package main

import "golang.org/x/sys/unix"

// hideMemory keeps other processes of the same user, such as programs of the command handler, from
// reading the secrets in this one's memory and in /proc/PID/environ. Root can still read them,
// and so can a process with CAP_SYS_PTRACE. There is no core dump either.
func hideMemory() {
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // fails for no value of ours
}
