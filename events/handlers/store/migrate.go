package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

//go:embed migrations state
var migrations embed.FS

const (
	// setupTimeout limits connecting and migrating, which may wait for another
	// worker's migration.
	setupTimeout = 30 * time.Second
	// openingTimeout limits the wait for another process that opens the file.
	openingTimeout = 10 * time.Second
)

// errNewer: a newer version has migrated the tables.
var errNewer = errors.New("the database has migration")

// A schema is a set of tables, which one database may have besides others.
type schema struct {
	folder string   // of the migrations; it has one folder for each kind of database
	table  string   // of the migrations that are applied
	rows   []string // the tables that are written to
}

var storeSchema = schema{"migrations", "migrations", []string{"events", "calls"}}

// open connects to the target and applies the migrations of the schema.
func open(ctx context.Context, t *target, s schema) (*sql.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if err := createPrivate(t.path); err != nil {
		return nil, err
	}
	db := t.open()
	err := s.migrate(ctx, db, t.dialect)
	for begin := time.Now(); t.dialect.opening(err) && time.Since(begin) < openingTimeout && ctx.Err() == nil; {
		time.Sleep(10 * time.Millisecond)
		err = s.migrate(ctx, db, t.dialect)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrate applies the migrations that are missing, in one transaction that excludes
// others: of several workers that start together, one migrates.
func (s schema) migrate(ctx context.Context, db *sql.DB, d dialect) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer tx.Rollback()
	if err := s.migrateIn(ctx, tx, d); err != nil {
		return err
	}
	return tx.Commit()
}

// migrateIn applies the migrations that are missing in a transaction.
func (s schema) migrateIn(ctx context.Context, tx *sql.Tx, d dialect) error {
	folder, lock := d.migrations()
	folder = s.folder + "/" + folder
	if _, err := tx.ExecContext(ctx, lock); err != nil {
		return fmt.Errorf("lock for migration: %w", err)
	}
	applied, err := s.applied(ctx, tx)
	if err != nil {
		return err
	}
	latest, err := fs.ReadDir(migrations, folder)
	if err != nil {
		return err
	}
	if applied > len(latest) {
		return fmt.Errorf("%w %d, and this version knows %d: run a newer one", errNewer, applied, len(latest))
	}
	for n := applied + 1; n <= len(latest); n++ {
		if err := s.apply(ctx, tx, folder, n); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
	}
	return nil
}

func (s schema) applied(ctx context.Context, tx *sql.Tx) (n int, err error) {
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (number INTEGER NOT NULL PRIMARY KEY)`, s.table)); err != nil {
		return 0, fmt.Errorf("table of migrations: %w", err)
	}
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM `+s.table).Scan(&n)
	return n, err
}

func (s schema) apply(ctx context.Context, tx *sql.Tx, folder string, n int) error {
	statements, err := migrations.ReadFile(fmt.Sprintf("%s/%d.sql", folder, n))
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %s (number) VALUES (%d)`, s.table, n))
	return err
}
