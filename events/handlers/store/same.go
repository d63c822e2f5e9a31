package store

import (
	"os"
	"path/filepath"
)

// SameDatabase reports whether two URLs are of the same SQLite file, or the same database of a
// PostgreSQL server that both name alike.
func SameDatabase(url, other string) bool {
	if url == other {
		return true
	}
	a, errA := parseURL(url, toRead)
	b, errB := parseURL(other, toRead)
	if errA != nil || errB != nil {
		return false
	}
	defer a.hangUp()
	defer b.hangUp()
	if a.path != "" || b.path != "" {
		return a.path != "" && b.path != "" && samePath(a.path, b.path)
	}
	return samePostgres(url, other)
}

func samePath(a, b string) bool {
	foundA, errA := os.Stat(a)
	foundB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(foundA, foundB)
	}
	wholeA, errA := filepath.Abs(a)
	wholeB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && wholeA == wholeB
}

func samePostgres(url, other string) bool {
	a, errA := postgresConfig(url)
	b, errB := postgresConfig(other)
	return errA == nil && errB == nil && a.Host == b.Host && a.Port == b.Port && a.Database == b.Database
}
