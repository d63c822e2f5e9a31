package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/statefile"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/handlers/store"
	"wildix-worker/signature"
)

// A checkpoint says how far a replay is. It is written to a file before the first event, and
// after each that was sent or has failed for good, and is removed at the end. It has no content
// of events.
type checkpoint struct {
	Begin   time.Time      `json:"begin"` // the events' time
	End     time.Time      `json:"end"`
	Started time.Time      `json:"started"`
	After   store.Place    `json:"after"`            // the last event in the database that is done
	Part    string         `json:"part,omitzero"`    // key of the next one, if only its call:finished is not done
	Read    int            `json:"read"`             // events of the database that are done
	Sent    int            `json:"sent"`             //
	Failed  int            `json:"failed"`           // for good
	LeftOut map[string]int `json:"leftOut,omitzero"` // by reason
}

// A checkpointFile is the file of one replay, which its arguments name. Unless it is a dry run,
// a lock keeps others with the same arguments from running. It is of a second file, which
// remains: the first one is replaced all the time.
type checkpointFile struct {
	path string
	lock *flock.Flock
}

// openCheckpoint returns the file, which must be closed. With --resume, it reads the checkpoint
// from it.
func (cmd *Command) openCheckpoint(database string, c *checkpoint) (checkpointFile, error) {
	f, err := cmd.lockedCheckpoint(database)
	if err != nil {
		return checkpointFile{}, err
	}
	if err := cmd.readCheckpoint(f, c); err != nil {
		return checkpointFile{}, errors.Join(err, f.close())
	}
	return f, nil
}

func (cmd *Command) lockedCheckpoint(database string) (checkpointFile, error) {
	dir, err := statefile.Folder()
	if err != nil {
		return checkpointFile{}, err
	}
	arguments, err := json.Marshal([]any{database, cmd.To, cmd.On, cmd.Since, cmd.Until, cmd.Timezone})
	if err != nil {
		return checkpointFile{}, err
	}
	path := filepath.Join(dir, fmt.Sprintf("replay-%s-%.12s", cmd.To, signature.Digest(arguments)))
	f := checkpointFile{path + ".json", flock.New(path+".lock", flock.SetPermissions(0o600))}
	if cmd.DryRun {
		return f, nil
	}
	switch locked, err := f.lock.TryLock(); {
	case err != nil:
		return f, fmt.Errorf("lock the replay: %w", err)
	case !locked:
		return f, errors.New("a replay with these arguments is running; wait for its end, or stop it and go on with --resume")
	}
	return f, nil
}

func (f checkpointFile) close() error { return f.lock.Close() }

func (cmd *Command) readCheckpoint(f checkpointFile, c *checkpoint) error {
	var known checkpoint
	found, err := f.load(&known)
	switch {
	case cmd.Restart:
	case err != nil:
		return err
	case cmd.Resume && !found:
		return &exit.UsageError{Err: errors.New("--resume: no replay with these arguments was interrupted")}
	case cmd.Resume:
		*c = known
	case found && !cmd.DryRun:
		return &exit.UsageError{Err: fmt.Errorf("a replay with these arguments, begun %s, is not finished (%s sent): go on with --resume, or begin again with --restart",
			known.Started.Local().Format(time.DateTime), term.Plural(known.Sent, "event"))}
	}
	return nil
}

// load reads the checkpoint, if there is one.
func (f checkpointFile) load(c *checkpoint) (found bool, err error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && json.Unmarshal(text, c) != nil {
		err = fmt.Errorf("%s is damaged; begin again with --restart", f.path)
	}
	return err == nil, err
}

// save replaces the file. A process that is killed leaves either the old or the new one.
func (f checkpointFile) save(c *checkpoint) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write how far the replay is: %w", err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		return fmt.Errorf("write how far the replay is: %w", err)
	}
	return nil
}

// remove removes the file, if there is one.
func (f checkpointFile) remove() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
