package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// returnTime is how long handlers have to return after their contexts were
// cancelled by a shutdown.
const returnTime = time.Second

// Shutdown answers all further requests 503 and waits until the running handlers
// have returned. When ctx ends, it cancels their contexts with
// [consumer.ErrStopping] and waits another second. The error says how many
// handlers have still not returned; they keep running.
func (r *Receiver) Shutdown(ctx context.Context) error {
	r.limiter.close()
	defer r.endLogs()
	if abandoned := r.drain(ctx); abandoned > 0 {
		r.cfg.Logger.Error("stopped before all was done", append(r.outcomeFields(), zap.Int("abandoned", abandoned))...)
		return fmt.Errorf("stopped before all was done: %d handlers did not return; the PBX will send their events again", abandoned)
	}
	return nil
}

// endLogs writes the lines that are still due.
func (r *Receiver) endLogs() {
	for _, summary := range []*summaryLog{r.rejected, r.unreadable, r.serverErrors} {
		summary.flush()
	}
	for _, episode := range []*episode{r.limiter.refusal, r.reader.bodies.refusal, r.misdirection, r.crowd} {
		episode.stop()
	}
}

// drain waits as Shutdown does, and returns how many handlers are left.
func (r *Receiver) drain(ctx context.Context) (abandoned int) {
	drained := make(chan struct{})
	go func() { // runs as long as a handler that does not return
		r.limiter.wait()
		r.dispatcher.wait()
		close(drained)
	}()
	select {
	case <-drained:
		return 0
	case <-ctx.Done():
	}
	r.dispatcher.stop()
	timer := time.NewTimer(returnTime)
	defer timer.Stop()
	select {
	case <-drained:
		return 0
	case <-timer.C:
		return r.dispatcher.count()
	}
}

// shutdownServer drains the server: first its requests, then handlers that are
// still running after their requests were answered.
func (r *Receiver) shutdownServer(ctx context.Context, srv *http.Server) error {
	detached := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(detached, r.cfg.ShutdownTimeout)
	defer cancel()
	r.limiter.close()
	unanswered := srv.Shutdown(ctx)
	err := r.Shutdown(ctx)
	if unanswered != nil { // handlers have been cancelled, so requests are answered soon
		ctx, cancel := context.WithTimeout(detached, returnTime)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			srv.Close()
			err = errors.Join(err, errors.New("stopped before all was done: connections were closed before their requests were answered"))
		}
	}
	if err == nil {
		r.cfg.Logger.Info("drained", r.outcomeFields()...)
	}
	return err
}

// outcomeFields are the number of requests with each outcome.
func (r *Receiver) outcomeFields() []zap.Field {
	var fields []zap.Field
	for o := range events.Outcome(events.Outcomes) {
		fields = append(fields, zap.Int64(o.String(), r.counts[o].Load()))
	}
	return fields
}
