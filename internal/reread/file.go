package reread

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// maxSize is the largest file that is read. It is far more than a list of
// secrets or a chain of certificates needs, and little memory.
const maxSize = 1 << 20

// A snapshot is what was in the files at one time.
type snapshot struct {
	contents []string
	modified []time.Time // when each file was
}

func (s snapshot) equal(other snapshot) bool {
	return slices.EqualFunc(s.modified, other.modified, time.Time.Equal) && slices.Equal(s.contents, other.contents)
}

// lastModified returns when the last write of a file was.
func (s snapshot) lastModified() time.Time {
	return slices.MaxFunc(s.modified, time.Time.Compare)
}

func readFiles(paths []string) (s snapshot, err error) {
	s = snapshot{make([]string, len(paths)), make([]time.Time, len(paths))}
	for i, path := range paths {
		if s.contents[i], s.modified[i], err = readFile(path); err != nil {
			return snapshot{}, err
		}
	}
	return s, nil
}

// readFile returns the content of a file, and when it was last modified. That is read after
// the content, so that a write during the read shows in it.
func readFile(path string) (content string, modified time.Time, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", time.Time{}, err
	}
	if !info.Mode().IsRegular() {
		// A pipe can't be read twice, and opening one waits for its writer.
		return "", time.Time{}, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", time.Time{}, err
	}
	defer f.Close()
	bytes, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", time.Time{}, err
	}
	if len(bytes) > maxSize {
		return "", time.Time{}, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	if info, err = f.Stat(); err != nil {
		return "", time.Time{}, err
	}
	return string(bytes), info.ModTime(), nil
}
