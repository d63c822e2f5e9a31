package store

import (
	"errors"
	"io/fs"
	"os"
)

// A file is the one that was opened, to tell it from another of its name: what is
// written to a file that somebody has moved or replaced is stored nowhere. The zero
// file is none.
type file struct {
	path   string
	opened fs.FileInfo
}

var errOtherFile = errors.New("the file of the database was moved or replaced; start the worker again")

func newFile(path string) file {
	if path == "" {
		return file{}
	}
	opened, err := os.Stat(path)
	if err != nil {
		return file{path: path} // gone already, as check will find
	}
	return file{path, opened}
}

func (f file) check() error {
	if f.path == "" {
		return nil
	}
	found, err := os.Stat(f.path)
	if err != nil || f.opened == nil || !os.SameFile(found, f.opened) {
		return errOtherFile
	}
	return nil
}
