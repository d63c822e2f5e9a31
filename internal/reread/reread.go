// Package reread keeps a value up to date with the files that it is made from.
package reread

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrChanging is the state of files that have changed a moment ago, so that they may be
// half written.
var ErrChanging = errors.New("the file has just been changed, and may not be complete")

// Config describes a [Value].
type Config[T any] struct {
	// Paths are the files. They must be regular ones, or links to such, of at most 1 MiB
	// each.
	Paths []string
	// Parse makes the value from the files' contents, in the order of Paths. It is called
	// again when a file has changed.
	Parse func(contents []string) (T, error)
	// Settle is how long the files must be left alone until a change replaces the value.
	// Zero means that every content that Parse accepts is taken at once.
	Settle time.Duration
	// Notify, unless nil, is called with nil when the files have changed or can be used
	// again, and with the error when they can no longer be used or the reason changes:
	// once per change of state, not once per read. It must not call the Value.
	Notify func(error)
}

// A Value is made from the contents of one or more files. It is safe for
// concurrent use.
type Value[T any] struct {
	cfg Config[T]

	mu       sync.Mutex
	good     version[T]
	next     version[T] // made from contents that have not settled; no contents if there is none
	seen     snapshot   // of the last read that did not fail
	since    time.Time  // when it was first seen
	readAt   time.Time
	err      error // of the last read
	reported error // that Notify was last called with
}

// A version is a value with what it was made from.
type version[T any] struct {
	value    T
	contents []string
}

// Load reads the files and makes the first value from them, even if they have just been
// changed.
func Load[T any](cfg Config[T]) (*Value[T], error) {
	if cfg.Notify == nil {
		cfg.Notify = func(error) {}
	}
	v := &Value[T]{cfg: cfg}
	_, v.err = v.read()
	switch {
	case errors.Is(v.err, ErrChanging):
		v.good, v.next = v.next, version[T]{}
	case v.err != nil:
		return nil, v.err
	}
	return v, nil
}

// Get returns the value. It first reads the files again if the last read was at least
// maxAge ago. It compares contents, not modification times, so renamed and linked files
// work.
//
// If the files can't be used, it returns the last good value with the reason. If they have
// changed less than Settle ago, the reason is [ErrChanging].
func (v *Value[T]) Get(maxAge time.Duration) (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.readAt) < maxAge {
		return v.good.value, v.err
	}
	changed, err := v.read()
	v.err = err
	switch {
	case errors.Is(err, ErrChanging):
		if changed {
			v.report(nil)
		}
	case err == nil && (changed || v.reported != nil):
		v.report(nil)
	case err != nil && (v.reported == nil || v.reported.Error() != err.Error()):
		v.report(err)
	}
	return v.good.value, err
}

// Next returns the value that Get returns once the files have settled, as of the last
// read, if there is one.
func (v *Value[T]) Next() (value T, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.next.value, v.next.contents != nil
}

func (v *Value[T]) report(err error) {
	v.reported = err
	v.cfg.Notify(err)
}

// read makes a new value if a file has changed since the last one was made.
func (v *Value[T]) read() (changed bool, err error) {
	v.readAt = time.Now()
	now, err := readFiles(v.cfg.Paths)
	if err != nil {
		v.next = version[T]{}
		return false, err
	}
	if !now.equal(v.seen) {
		v.seen, v.since = now, v.readAt
	}
	err = v.settled()
	if v.good.contents != nil && slices.Equal(now.contents, v.good.contents) {
		v.next = version[T]{}
		return false, err
	}
	if v.next.contents == nil || !slices.Equal(now.contents, v.next.contents) {
		value, invalid := v.cfg.Parse(now.contents)
		switch {
		case invalid == nil:
			v.next, changed = version[T]{value, now.contents}, true
		case err != nil && v.good.contents != nil:
			v.next = version[T]{} // perhaps half written
			return false, err
		default:
			v.next = version[T]{}
			return false, invalid
		}
	}
	if err == nil {
		v.good, v.next = v.next, version[T]{}
	}
	return changed, err
}

// settled returns nil or ErrChanging. Files have settled if they were last modified long
// ago. If their times can't be relied on, because they are in the future, a change has
// settled when it was seen long ago.
func (v *Value[T]) settled() error {
	if v.readAt.Sub(v.seen.lastModified()) >= v.cfg.Settle || v.readAt.Sub(v.since) >= v.cfg.Settle {
		return nil
	}
	return ErrChanging
}
