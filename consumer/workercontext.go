package consumer

import "context"

// A workerContext is the parent of the contexts of one worker's handlers, which run one after
// the other. One for each call would take 3 % of a busy worker's CPU time, so it is replaced only
// when a lost lease has ended it.
type workerContext struct {
	handlers context.Context // of all workers
	current  context.Context // nil before the first call
	end      context.CancelCauseFunc
	lost     func() // ends current because the lease is lost
}

// get returns the parent for the next call, and what cancels that call if the lease is lost.
// The settler does not use it any more when the next one begins.
func (w *workerContext) get() (ctx context.Context, lost func()) {
	if w.current == nil || w.current.Err() != nil {
		ctx, end := context.WithCancelCause(w.handlers)
		w.current, w.end, w.lost = ctx, end, func() { end(ErrLeaseLost) }
	}
	return w.current, w.lost
}

// close must be called after the last call.
func (w *workerContext) close() {
	if w.end != nil {
		w.end(nil)
	}
}
