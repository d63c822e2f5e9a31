package store

import (
	"errors"
	"io/fs"
	"os"
)

// A file identifies the SQLite file that was opened. If that is moved or replaced, SQLite
// continues to write to the old one, where its rows would be lost. The zero file stands
// for PostgreSQL.
type file struct {
	path   string
	opened fs.FileInfo
}

var errOtherFile = errors.New("the database file was moved or replaced; restart the worker")

func newFile(path string) file {
	if path == "" {
		return file{}
	}
	opened, err := os.Stat(path)
	if err != nil {
		return file{path: path} // gone already; check reports it
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
