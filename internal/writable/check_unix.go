//go:build unix

package writable

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// check also fails for a file system that is mounted read-only, of which modes say nothing.
func check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return errors.Unwrap(err)
	}
	mode := uint32(unix.W_OK)
	if info.IsDir() {
		mode |= unix.X_OK // to enter it
	}
	return unix.Access(path, mode)
}
