package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"wildix-worker/internal/writable"
)

// Check returns an error if events can't be written, and says what to do about it. It changes
// nothing: it connects, creates or migrates the tables and writes no rows to them in a
// transaction that it rolls back. If the SQLite file is missing, it finds out whether its
// folder is there and files can be made in it. Workers may run meanwhile. Connect need not
// have been called.
func (s *Store) Check(ctx context.Context) error {
	if err := check(ctx, s.url, storeSchema, s.retention > 0); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Target returns where the database is, without user and password: sqlite:PATH or
// postgres://HOST:PORT/DATABASE.
func (s *Store) Target() string { return describe(s.url) }

// Target is as that of a [Store].
func (s *State) Target() string { return describe(s.cfg.URL) }

func describe(url string) string {
	target, err := parseURL(url, toCheck)
	if err != nil {
		return "" // not reached: New has parsed it
	}
	defer target.hangUp()
	return target.String()
}

// Check is as that of a [Store].
func (s *State) Check(ctx context.Context) error {
	if err := check(ctx, s.cfg.URL, stateSchema, true); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

func check(ctx context.Context, url string, s schema, prunes bool) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	target, err := parseURL(url, toCheck)
	if err != nil {
		return err
	}
	defer target.hangUp()
	if target.path != "" {
		if exists, err := checkFile(target.path); !exists || err != nil {
			return err
		}
	}
	db := target.open()
	defer db.Close()
	begin := time.Now()
	err = s.try(ctx, db, target.dialect, prunes)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("no answer within %s%s", time.Since(begin).Round(time.Second/10), target.dialect.remedy(err))
	default:
		return fmt.Errorf("%w%s", target.dialect.redacted(err), target.dialect.remedy(err))
	}
}

// try does what a writer does first, and rolls it back.
func (s schema) try(ctx context.Context, db *sql.DB, d dialect, prunes bool) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer tx.Rollback()
	if err := s.migrateIn(ctx, tx, d); err != nil {
		return err
	}
	statements := []string{"INSERT INTO %[1]s SELECT * FROM %[1]s WHERE 1 = 0", "UPDATE %s SET id = id WHERE 1 = 0"}
	if prunes {
		statements = append(statements, "DELETE FROM %s WHERE 1 = 0")
	}
	for _, table := range s.rows {
		for _, statement := range statements {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf(statement, table)); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
		}
	}
	return nil
}

// checkFile returns an error if a SQLite file can't be written, or if it does not exist and
// can't be created.
func checkFile(path string) (exists bool, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return false, err
	}
	folder := filepath.Dir(path)
	switch info, err := os.Stat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("the folder %s does not exist; create it for the worker's user, or correct the path", folder)
	case err != nil:
		return false, err
	case !info.IsDir():
		return false, fmt.Errorf("%s is not a folder; correct the path", folder)
	}
	const advice = "%w; let the worker's user write to the file and to its folder"
	if err := writable.Check(folder); err != nil { // SQLite makes other files beside that of the database
		return false, fmt.Errorf(advice, err)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return true, fmt.Errorf("%s is not a regular file; correct the path", path)
	}
	if err := writable.Check(path); err != nil {
		return true, fmt.Errorf(advice, err)
	}
	return true, nil
}
