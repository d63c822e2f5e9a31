package signature

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

const (
	// rereadInterval bounds how long a removed secret is still accepted.
	rereadInterval = time.Second
	// rereadOnMismatch bounds how often forged messages can make us read.
	rereadOnMismatch = 100 * time.Millisecond
	// maxSecretsFile is far more than anyone's secrets and little memory.
	maxSecretsFile = 1 << 20
)

// LoadKeyring reads a ring from a secrets file and keeps it in step with the
// file. Each line is SECRET, which may sign for any integration, or
// INTEGRATION_ID=SECRET; an integration may have several lines. Empty lines
// and lines that begin with # are skipped, white space around a line is
// ignored. A secret that itself contains = is written with one in front:
// =SECRET.
//
// The file is read again, at most once a second, while messages are verified,
// and before a message is turned away for a mismatch. Its content is compared,
// not its time stamp, so renamed and linked files work. While it can't be read
// or makes no sense the last good keys stay in use, and a message that fits
// none of them is [ErrUnavailable] instead of a mismatch.
//
// notify, unless nil, is called when the keys changed (nil) and when the file
// stopped being usable (the error), once for each change of state. It must not
// call the ring.
func LoadKeyring(path string, notify func(error)) (*Keyring, error) {
	if notify == nil {
		notify = func(error) {}
	}
	s := &source{path: path, notify: notify}
	content, err := s.read()
	if err != nil {
		return nil, err
	}
	keys, err := parse(path, content)
	if err != nil {
		return nil, err
	}
	s.content, s.readAt = content, time.Now()
	return &Keyring{source: s, keys: keys}, nil
}

// source is the file behind a ring; the ring's mutex guards it.
type source struct {
	path   string
	notify func(error)

	content []byte
	readAt  time.Time
	err     error // why the last read was of no use
}

// current returns the keys of the ring, looking at the file first if that was
// last done longer ago than maxAge.
func (r *Keyring) current(maxAge time.Duration) []*key {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.source; s != nil && time.Since(s.readAt) >= maxAge {
		if keys, changed := s.reread(); changed {
			r.keys = keys
		}
	}
	return r.keys
}

// unavailable reports whether the ring's keys may be out of date.
func (r *Keyring) unavailable() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source != nil && r.source.err != nil
}

// reread returns the file's keys if they are others than before.
func (s *source) reread() (keys []*key, changed bool) {
	s.readAt = time.Now()
	content, err := s.read()
	if err == nil && bytes.Equal(content, s.content) {
		if s.err != nil {
			s.err = nil
			s.notify(nil)
		}
		return nil, false
	}
	if err == nil {
		keys, err = parse(s.path, content)
	}
	if err != nil {
		if s.err == nil || s.err.Error() != err.Error() {
			s.notify(err)
		}
		s.err = err
		return nil, false
	}
	s.content, s.err = content, nil
	s.notify(nil)
	return keys, true
}

func (s *source) read() ([]byte, error) {
	info, err := os.Stat(s.path)
	if err == nil && !info.Mode().IsRegular() {
		// A pipe can't be read twice, and waiting for its writer would hold
		// up every message.
		return nil, fmt.Errorf("secrets file %s is not a regular file", s.path)
	}
	if err != nil {
		return nil, fmt.Errorf("secrets file: %w", err)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("secrets file: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretsFile+1))
	if err != nil {
		return nil, fmt.Errorf("secrets file: %w", err)
	}
	if len(content) > maxSecretsFile {
		return nil, fmt.Errorf("secrets file %s is larger than 1 MiB, which is not a list of secrets", s.path)
	}
	return content, nil
}

// integrationID is what may stand before the = of a line. Anything else is
// part of a secret.
var integrationID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func parse(path string, content []byte) ([]*key, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // some editors' byte order mark
	var keys []Key
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("secrets file %s, line %d: %w", path, number, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("secrets file %s holds no secret: write one a line, SECRET or INTEGRATION_ID=SECRET", path)
	}
	return index(keys)
}

func parseLine(line string) (Key, error) {
	id, secret, found := strings.Cut(line, "=")
	switch {
	case !found:
		return Key{Secret: line}, nil
	case integrationID.MatchString(strings.TrimSpace(id)) && (strings.TrimSpace(id) != id || strings.TrimSpace(secret) != secret):
		return Key{}, fmt.Errorf("white space around the =; write INTEGRATION_ID=SECRET without any, or another = in front of the line if all of it is the secret")
	case id != "" && !integrationID.MatchString(id):
		// Not an integration's id, so the = belongs to the secret.
		return Key{Secret: line}, nil
	case strings.Trim(secret, "=") == "":
		return Key{}, fmt.Errorf("no secret after the =; if the = is part of the secret, write another = in front of the line")
	default:
		return Key{IntegrationID: id, Secret: secret}, nil
	}
}
