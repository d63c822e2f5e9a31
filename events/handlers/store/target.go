package store

import (
	"database/sql"
	"database/sql/driver"
)

// A target is a database that is not connected to yet.
type target struct {
	connector driver.Connector
	dialect   dialect
	path      string // of a SQLite file
	hangUp    func() // closes all connections at once
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
)
