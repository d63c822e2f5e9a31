package signature

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// integrationID matches what may come before the = of a line. Any other text there is part
// of a secret.
var integrationID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// parseSecrets returns the keys of a secrets file, at least one. Its errors quote no
// line, which may be a secret.
func parseSecrets(path, content string) ([]Key, error) {
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
	return keys, nil
}

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
