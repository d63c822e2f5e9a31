package store

import (
	"errors"
	"strings"
)

const urlForms = "sqlite:PATH or postgres://USER@HOST/DATABASE"

// parseURL returns errors that do not quote the URL, which may hold a password.
func parseURL(raw string, purpose access) (*target, error) {
	scheme, rest, _ := strings.Cut(raw, ":")
	switch {
	case raw == "":
		return nil, errors.New("required; write " + urlForms)
	case scheme == "sqlite":
		return parseSQLite(rest, purpose)
	case scheme == "postgres" || scheme == "postgresql":
		return parsePostgres(raw)
	default:
		return nil, errors.New("not the URL of a database; write " + urlForms)
	}
}
