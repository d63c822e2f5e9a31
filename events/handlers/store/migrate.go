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

//go:embed migrations
var migrations embed.FS

const (
	// setupTimeout limits connecting and migrating, which may wait for another
	// worker's migration.
	setupTimeout = 30 * time.Second
	// openingTimeout limits the wait for another process that opens the file.
	openingTimeout = 10 * time.Second
)

// connect connects to the target and applies the migrations.
func connect(ctx context.Context, t *target) (*sql.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	db := t.open()
	err := migrate(ctx, db, t.dialect)
	for begin := time.Now(); t.dialect.opening(err) && time.Since(begin) < openingTimeout && ctx.Err() == nil; {
		time.Sleep(10 * time.Millisecond)
		err = migrate(ctx, db, t.dialect)
	}
	if err == nil {
		err = t.dialect.prepare(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrate applies the migrations that are missing, in one transaction that excludes
// others: of several workers that start together, one migrates.
func migrate(ctx context.Context, db *sql.DB, d dialect) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer tx.Rollback()
	folder, lock := d.migrations()
	if _, err := tx.ExecContext(ctx, lock); err != nil {
		return fmt.Errorf("lock for migration: %w", err)
	}
	applied, err := appliedMigrations(ctx, tx)
	if err != nil {
		return err
	}
	latest, err := fs.ReadDir(migrations, folder)
	if err != nil {
		return err
	}
	if applied > len(latest) {
		return fmt.Errorf("the database has migration %d, and this version knows %d: run a newer one", applied, len(latest))
	}
	for n := applied + 1; n <= len(latest); n++ {
		if err := apply(ctx, tx, folder, n); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
	}
	return tx.Commit()
}

func appliedMigrations(ctx context.Context, tx *sql.Tx) (n int, err error) {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (number INTEGER NOT NULL PRIMARY KEY)`); err != nil {
		return 0, fmt.Errorf("table of migrations: %w", err)
	}
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM migrations`).Scan(&n)
	return n, err
}

func apply(ctx context.Context, tx *sql.Tx, folder string, n int) error {
	statements, err := migrations.ReadFile(fmt.Sprintf("%s/%d.sql", folder, n))
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO migrations (number) VALUES (%d)`, n))
	return err
}
