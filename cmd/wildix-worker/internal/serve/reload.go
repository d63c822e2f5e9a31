package serve

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/events/route"
)

// watchInterval is the time between two looks at the files. A change counts when two of them
// have seen the same, so that the files are complete.
const watchInterval = time.Second

// A reloader replaces the destinations by those that the configuration file has now: after
// SIGHUP and, if it watches the file, after a change.
type reloader struct {
	file         *config.File
	watch        bool
	destinations *handlers.Destinations
	log          *zap.Logger
	// build builds what the settings are now, without opening it.
	build func() (*handlers.Destinations, *config.File, error)
	// replaced is called after the destinations have changed, and count after every attempt.
	replaced func()
	count    func(success bool)

	hangups <-chan os.Signal
	files   []string // that are watched
	tried   string   // their fingerprint at the last attempt
	refused string   // the last attempt's error
	warned  []string // settings that need a restart
}

// rebuild returns a function that parses the command line again, and builds the destinations of
// that command.
func rebuild[C any](again config.Reparse, build func(*C) (*handlers.Destinations, *config.File, error)) func() (*handlers.Destinations, *config.File, error) {
	return func() (*handlers.Destinations, *config.File, error) {
		command, err := again()
		if err != nil {
			return nil, nil, err
		}
		return build(command.(*C))
	}
}

// start reloads until stop is called.
func (r *reloader) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	r.files = append([]string{r.file.Config}, r.destinations.Files()...)
	var running sync.WaitGroup
	running.Go(func() { r.run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

func (r *reloader) run(ctx context.Context) {
	var looks <-chan time.Time
	if r.watch {
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		looks = ticker.C
	}
	seen := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.hangups:
			r.reload(ctx, true)
		case <-looks:
			// The first look finds a change since the program has read the file.
			now := configfile.FilesFingerprint(r.files...)
			if now == seen && now != r.tried {
				r.reload(ctx, false)
			}
			seen = now
		}
	}
}

// reload replaces the destinations, and logs what has changed, or what is wrong. asked is
// whether someone waits for an answer although nothing has changed.
func (r *reloader) reload(ctx context.Context, asked bool) {
	if r.file.Config == "" {
		r.log.Warn("SIGHUP has no effect without a configuration file; restart to change settings")
		return
	}
	r.tried = configfile.FilesFingerprint(r.files...)
	change, err := r.replace(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if asked || err.Error() != r.refused {
			r.refuse(err)
		}
		r.refused = err.Error()
	default:
		r.refused = ""
		if len(change.Added)+len(change.Changed)+len(change.Removed) > 0 {
			r.replaced()
		} else if !asked {
			return
		}
		r.count(true)
		r.log.Info("configuration read again", zap.Strings("added", change.Added), zap.Strings("changed", change.Changed),
			zap.Strings("removed", change.Removed), zap.Strings("kept", change.Kept))
	}
}

func (r *reloader) replace(ctx context.Context) (*route.Change, error) {
	next, file, err := r.build()
	if next != nil {
		r.files = append([]string{r.file.Config}, next.Files()...)
	}
	if err != nil {
		return nil, errors.Join(err, next.Discard())
	}
	if names := r.file.OtherChanges(file); !slices.Equal(names, r.warned) {
		if r.warned = names; len(names) > 0 {
			r.log.Warn("settings besides destinations have changed, which needs a restart", zap.Strings("settings", names))
		}
	}
	if !r.destinations.HaveHealth() {
		return &route.Change{}, next.Discard() // events are put on a queue
	}
	return r.destinations.Replace(ctx, next)
}

// refuse logs each fault.
func (r *reloader) refuse(err error) {
	r.count(false)
	faults := []string{err.Error()}
	if wrong, ok := errors.AsType[config.WrongSettings](err); ok {
		faults = wrong.Faults
	}
	for _, fault := range faults {
		r.log.Error("configuration can't be used, the old destinations go on", zap.String("fault", fault))
	}
}
