// Package writable says whether this process may write to files and folders, without writing.
package writable

import "io/fs"

// Check returns an error if this process may not write to a file, or make files in a folder.
// The path must exist.
func Check(path string) error {
	if err := check(path); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}
