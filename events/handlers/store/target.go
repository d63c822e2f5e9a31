package store

import (
	"database/sql"
	"database/sql/driver"
	"path/filepath"
)

// A target is a database that is not connected to yet.
type target struct {
	connector driver.Connector
	dialect   dialect
	path      string // of a SQLite file
	address   string // of a PostgreSQL database, without user and password
	hangUp    func() // closes all connections at once
}

func (t *target) String() string {
	if t.path != "" {
		path, err := filepath.Abs(t.path)
		if err != nil { // the working folder is gone
			path = t.path
		}
		return "sqlite:" + path
	}
	return "postgres://" + t.address
}

// open returns a pool of one connection, which is all that a writer or a reader
// needs.
func (t *target) open() *sql.DB {
	db := sql.OpenDB(t.connector)
	db.SetMaxOpenConns(1)
	return db
}

// An access is what a database is opened for.
type access int

const (
	toWrite access = iota
	toRead         // a SQLite file must exist
	toPrune        // too
	toCheck        // too
)
