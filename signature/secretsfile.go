package signature

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// integrationID matches what may come before the = of a line. Any other text there is part
// of a secret.
var integrationID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// fileKeys are the keys of a secrets file.
type fileKeys struct {
	keys  []*signingKey
	whole bool // the last line has an end
}

func parseFile(path, content string) (fileKeys, error) {
	secrets, err := parseSecrets(path, content)
	if err != nil {
		return fileKeys{}, err
	}
	keys, err := signingKeys(secrets)
	if err != nil {
		return fileKeys{}, fmt.Errorf("%s: %w", path, err)
	}
	return fileKeys{keys: keys, whole: strings.HasSuffix(content, "\n")}, nil
}

// parseSecrets returns the keys of a secrets file, at least one. Its errors quote no
// line, which may be a secret.
func parseSecrets(path, content string) ([]Key, error) {
	if !utf8.ValidString(content) {
		return nil, fmt.Errorf("%s is not UTF-8 text, save it as UTF-8", path)
	}
	content = strings.TrimPrefix(content, "\ufeff") // some editors write a byte order mark
	var keys []Key
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		if strings.ContainsFunc(line, isControl) {
			return nil, fmt.Errorf("%s, line %d: a control character; save the file as UTF-8 text", path, number)
		}
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
	return keys, nil
}

// isControl reports whether r is in no text. UTF-16 read as UTF-8 has zeros, and so has a
// file that lost its content in a crash.
func isControl(r rune) bool { return unicode.IsControl(r) && r != '\t' }

func parseLine(line string) (Key, error) {
	id, secret, found := strings.Cut(line, "=")
	switch {
	case !found:
		return Key{Secret: line}, nil
	case integrationID.MatchString(strings.TrimSpace(id)) && (strings.TrimSpace(id) != id || strings.TrimSpace(secret) != secret):
		return Key{}, errors.New("white space around the =; write INTEGRATION_ID=SECRET without any, or another = in front of the line if all of it is the secret")
	case id != "" && !integrationID.MatchString(id):
		// Not the id of an integration, so the = belongs to the secret.
		return Key{Secret: line}, nil
	case strings.Trim(secret, "=") == "":
		return Key{}, errors.New("no secret after the =; if the = is part of the secret, write another = in front of the line")
	default:
		return Key{IntegrationID: id, Secret: secret}, nil
	}
}
