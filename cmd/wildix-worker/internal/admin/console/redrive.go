package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

const (
	// taskInterval is the time between two requests for the state of a redrive.
	taskInterval = time.Second
	// maxTaskOutage is how long the state of a redrive may be unknown.
	maxTaskOutage = time.Minute
)

// A redriveRow is a redrive as the page shows it.
type redriveRow struct {
	At      int64  `json:"at"` // when it began; 0 if there was none
	Running bool   `json:"running"`
	Text    string `json:"text"`
	Failed  bool   `json:"failed"`
}

// A redriveRequest says which messages to move.
type redriveRequest struct {
	All bool     `json:"all"`
	IDs []string `json:"ids"` // of messages, unless All
}

// shown returns the redrive that runs, or else the last, or nil if there was none.
func (d *deadLetters) shown() *redriveRow {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last.At == 0 {
		return nil
	}
	last := d.last
	return &last
}

// A redrive is one that runs.
type redrive struct {
	letters *deadLetters
	queue   *deadletter.Queue
	log     *zap.Logger // with who has asked for it
	done    func()
	at      time.Time
}

// redrive starts to move dead letters back. What becomes of it is in the frames.
func (d *deadLetters) redrive(r *http.Request, in redriveRequest) (started struct{}, err error) {
	if in.All == (len(in.IDs) > 0) || len(in.IDs) > maxListed {
		return started, errNoChoice
	}
	done, err := d.begin("dead letters are being moved")
	if err != nil {
		return started, err
	}
	run := &redrive{letters: d, log: d.log.With(zap.String("remote", r.RemoteAddr)), done: done, at: time.Now()}
	if err := run.start(r.Context(), in); err != nil {
		done()
		return started, err
	}
	return started, nil
}

// start starts the redrive, which then runs on its own.
func (r *redrive) start(ctx context.Context, in redriveRequest) (err error) {
	if r.queue, err = r.letters.find(ctx); err != nil {
		return err
	}
	if !in.All {
		r.log.Info("redrive of chosen dead letters", zap.Int("messages", len(in.IDs)))
		r.show(fmt.Sprintf("Moving %s.", term.Plural(len(in.IDs), "message")))
		r.background(ctx, func(ctx context.Context) (int, error) { return r.queue.Move(ctx, in.IDs) })
		return nil
	}
	id, running, err := r.startTask(ctx)
	if err != nil {
		return err
	}
	r.log.Info("redrive of all dead letters", zap.Int("messages", r.queue.Visible()), zap.Bool("alreadyRunning", running))
	r.show("Moving all messages.")
	r.background(ctx, func(ctx context.Context) (int, error) { return r.watch(ctx, &id) })
	return nil
}

// startTask starts a task, unless one is running.
func (r *redrive) startTask(ctx context.Context) (id deadletter.TaskID, running bool, err error) {
	if running, err = r.queue.FindRunning(ctx, &id); running || err != nil {
		return id, running, err
	}
	id.Handle, err = r.queue.StartTask(ctx, "", 0)
	if deadletter.TaskUnsupported(err) { // another has begun meanwhile, or ours has and the answer was lost
		var findErr error
		if running, findErr = r.queue.FindRunning(ctx, &id); running || findErr != nil {
			return id, running, findErr
		}
	}
	if err != nil {
		err = r.queue.ExplainTask("StartMessageMoveTask", err)
	}
	return id, false, err
}

// background moves messages until that has ended or the console ends.
func (r *redrive) background(ctx context.Context, move func(context.Context) (moved int, err error)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-r.letters.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	go func() {
		defer r.done()
		moved, err := move(ctx)
		cancel()
		<-stopped
		r.end(moved, err)
	}()
}

// watch shows the progress of a task until it has ended, and returns how many messages it has
// moved.
func (r *redrive) watch(ctx context.Context, id *deadletter.TaskID) (moved int, err error) {
	var failing time.Time // when the state became unknown; zero if it is known
	for {
		task, err := r.queue.State(ctx, id)
		if task != nil {
			moved = int(task.ApproximateNumberOfMessagesMoved)
		}
		switch {
		case err == nil && deadletter.Ended(task):
			return moved, taskError(task)
		case err == nil:
			failing = time.Time{}
			r.show(progress(task))
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > maxTaskOutage:
			return moved, fmt.Errorf("the move continues, but its progress is unknown: %w", err)
		}
		select {
		case <-time.After(taskInterval):
		case <-ctx.Done():
			return moved, fmt.Errorf("the move continues in SQS: %w", errEnding)
		}
	}
}

func progress(task *deadletter.Task) string {
	if task == nil {
		return "Moving all messages."
	}
	return fmt.Sprintf("Moving all messages: %d of about %d.", task.ApproximateNumberOfMessagesMoved, aws.ToInt64(task.ApproximateNumberOfMessagesToMove))
}

// taskError returns why a task that has ended has not moved all messages, or nil.
func taskError(task *deadletter.Task) error {
	switch aws.ToString(task.Status) {
	case "COMPLETED":
		return nil
	case "CANCELLED":
		return fmt.Errorf("the move was cancelled; the rest stays")
	default:
		return fmt.Errorf("the move failed: %s", deadletter.FailureReason(task))
	}
}

// show shows the progress.
func (r *redrive) show(text string) {
	r.set(redriveRow{Running: true, Text: text})
}

// end logs and shows the result.
func (r *redrive) end(moved int, err error) {
	text := fmt.Sprintf("Moved %s.", term.Plural(moved, "message"))
	if err != nil {
		r.log.Warn("redrive of dead letters failed", zap.Int("moved", moved), zap.Error(err))
		text = fmt.Sprintf("Moved %s, and then failed: %s.", term.Plural(moved, "message"), shownError(err))
	} else {
		r.log.Info("redrive of dead letters has ended", zap.Int("moved", moved))
	}
	r.set(redriveRow{Text: text, Failed: err != nil})
}

func (r *redrive) set(row redriveRow) {
	row.At = r.at.UnixMilli()
	r.letters.mu.Lock()
	defer r.letters.mu.Unlock()
	r.letters.last = row
}
