package signature

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"wildix-worker/internal/reread"
)

const (
	// rereadInterval bounds how long a removed secret is still accepted.
	rereadInterval = time.Second
	// rereadOnMismatch bounds how often forged messages can make us read.
	rereadOnMismatch = 100 * time.Millisecond
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
	parseFile := func(contents []string) ([]*key, error) { return parse(path, contents[0]) }
	file, err := reread.Load([]string{path}, parseFile, func(err error) {
		if notify != nil {
			notify(secretsFileError(err))
		}
	})
	if err != nil {
		return nil, secretsFileError(err)
	}
	return &Keyring{file: file}, nil
}

// secretsFileError says what kind of file an error is about.
func secretsFileError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secrets file: %w", err)
}

// integrationID is what may stand before the = of a line. Anything else is
// part of a secret.
var integrationID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func parse(path, content string) ([]*key, error) {
	content = strings.TrimPrefix(content, "\ufeff") // some editors write a byte order mark
	var keys []Key
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, number, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no secret: write one a line, SECRET or INTEGRATION_ID=SECRET", path)
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
