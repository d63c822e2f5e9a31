// Package store is the command store: it deletes old calls and events from the database of the
// store handler.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/handlers/store"
)

// Command is the command store.
type Command struct {
	Prune Prune `cmd:"" help:"Delete calls and events that are older than an age."`
}

// Prune is the command store prune.
type Prune struct {
	config.File  `embed:""`
	config.Store `embed:""`
	OlderThan    config.Age `placeholder:"AGE" help:"Delete what is older, such as 90d; at least 1d. Required."`
	DryRun       bool       `help:"Show how much would be deleted, but delete nothing."`
}

// Help is what --help shows below the summary.
func (*Prune) Help() string {
	return `A call is as old as its latest event, and is deleted as a whole, with all its events.
A call that goes on is kept with its events: it has no end, and had an event in the last
seven days.

Workers may write at the same time. Rows are deleted in small transactions; after Ctrl-C,
those that are committed stay deleted. An SQLite file does not become smaller, but new
rows use the space.

To delete old rows continually, set --store-retention (WILDIX_STORE_RETENTION) of the
worker.

Exit code: 0 if all old rows were deleted or there were none, 1 if not, 2 if a setting is
wrong.`
}

// Run deletes old rows.
func (cmd *Prune) Run(ctx context.Context) error {
	faults := cmd.Faults()
	cfg := cmd.WrittenStore(&cmd.File, &faults)
	faults.Add("--older-than", cmd.checkAge())
	if err := faults.Err(); err != nil {
		return err
	}
	pruned, err := store.Prune(ctx, cfg, time.Now().Add(-cmd.OlderThan.Duration), cmd.DryRun)
	if ctx.Err() != nil {
		err = errors.New("interrupted; run it again to delete the rest")
	}
	if err != nil && pruned == (store.Pruned{}) {
		return err
	}
	deleted := "deleted"
	if cmd.DryRun {
		deleted = "would delete"
	}
	out := term.NewPrinter(os.Stdout)
	out.Printf("%s %s and %s older than %s\n", deleted, term.Plural(pruned.Calls, "call"), term.Plural(pruned.Events, "event"), term.Duration(cmd.OlderThan.Duration))
	return errors.Join(err, out.Err())
}

func (cmd *Prune) checkAge() error {
	age := cmd.OlderThan
	switch {
	case age.Err != nil:
		return age.Err
	case age.Duration == 0:
		return errors.New("required; write an age such as 90d")
	case age.Duration < store.MinRetention:
		return fmt.Errorf("%s is less than %s", term.Duration(age.Duration), term.Duration(store.MinRetention))
	default:
		return nil
	}
}
