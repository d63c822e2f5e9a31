// Package reread keeps a value up to date with the files that it is made from.
package reread

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// maxSize is the largest file that is read. It is far more than a list of
// secrets or a chain of certificates needs, and little memory.
const maxSize = 1 << 20

// A Value is made from the contents of one or more files. It is safe for
// concurrent use.
type Value[T any] struct {
	paths  []string
	parse  func(contents []string) (T, error)
	notify func(error)

	mu       sync.Mutex
	value    T
	contents []string // that value was made from
	readAt   time.Time
	err      error // of the last read
}

// Load reads the files and makes the first value from them. The files must be
// regular ones, or links to such, of at most 1 MiB each. parse gets their
// contents in the order of paths; it is called again when a file has changed.
//
// notify, unless nil, is called with nil when the value has changed or the files can be
// used again, and with the error when they can no longer be used or the reason changes:
// once per change of state, not once per read. It must not call the Value.
func Load[T any](paths []string, parse func(contents []string) (T, error), notify func(error)) (*Value[T], error) {
	if notify == nil {
		notify = func(error) {}
	}
	v := &Value[T]{paths: paths, parse: parse, notify: notify}
	if _, err := v.read(); err != nil {
		return nil, err
	}
	return v, nil
}

// Get returns the value. It first reads the files again if the last read was at least
// maxAge ago. It compares contents, not modification times, so renamed and linked files
// work.
//
// If the files can't be used, it returns the last good value with the reason.
func (v *Value[T]) Get(maxAge time.Duration) (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.readAt) < maxAge {
		return v.value, v.err
	}
	before := v.err
	changed, err := v.read()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		v.notify(err)
	case err == nil && (changed || before != nil):
		v.notify(nil)
	}
	v.err = err
	return v.value, err
}

// read makes a new value if a file has changed since the last good one was made.
func (v *Value[T]) read() (changed bool, err error) {
	v.readAt = time.Now()
	contents := make([]string, len(v.paths))
	for i, path := range v.paths {
		if contents[i], err = readFile(path); err != nil {
			return false, err
		}
	}
	if v.contents != nil && slices.Equal(contents, v.contents) {
		return false, nil
	}
	value, err := v.parse(contents)
	if err != nil {
		return false, err
	}
	v.value, v.contents = value, contents
	return true, nil
}

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		// A pipe can't be read twice, and opening one waits for its writer.
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxSize {
		return "", fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return string(content), nil
}
