//go:build unix

package handlers

import (
	"os"

	"golang.org/x/sys/unix"
)

// standardOutputClosed reports whether standard output was closed when the program started. Go
// then opens /dev/null in its place, for reading and writing, so that no write fails. A shell's
// >/dev/null opens it for writing only.
func standardOutputClosed() bool {
	flags, err := unix.FcntlInt(uintptr(unix.Stdout), unix.F_GETFL, 0)
	if err != nil {
		return true
	}
	output, err := os.Stdout.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(output, null) && flags&unix.O_ACCMODE == unix.O_RDWR
}
