package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"go.uber.org/zap"
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

// createPrivate creates the file, unless it exists, so that only its owner can read it. SQLite
// gives the files -wal and -shm the same mode. The path of PostgreSQL is empty.
func createPrivate(path string) error {
	if path == "" {
		return nil
	}
	// Only a file that did not exist may be opened and closed here: closing a file ends
	// all locks that this process has on it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's, as in G304
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// warnOfReaders logs which of the database's files others than the owner can read or write.
// It does not change them, since that may be intended.
func warnOfReaders(path string, log *zap.Logger) {
	if path == "" || runtime.GOOS == "windows" { // which has no modes
		return
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if found, err := os.Stat(name); err == nil && found.Mode()&0o077 != 0 {
			log.Warn("database file is open to others than its owner, chmod it to 0600",
				zap.String("path", name), zap.String("mode", fmt.Sprintf("%#o", found.Mode().Perm())))
		}
	}
}
