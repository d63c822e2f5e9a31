package finish

import (
	"context"

	"wildix-worker/events/calls"
)

// A State keeps calls until they have ended and all their events are certain to be done. It
// is used by many goroutines, and may be shared by several workers.
type State interface {
	// Merge merges what is new about a call into what the state has under the same
	// [calls.Key], as [Call.Merge] does, and returns the result. It returns nil only if the
	// result is kept, even if the process is killed next. No two merges of a call, by
	// whatever worker, may overlap. A call that the state does not have is empty.
	Merge(ctx context.Context, c Call) (Call, error)
}

// A Call is what a [State] keeps of a call. Two are merged by [Call.Merge].
type Call struct {
	Facts calls.Facts
	// End is the delivery key of the event that is responsible for call:finished. It is
	// empty before the call has ended.
	End string
	// Finished is the JSON of call:finished. It is nil before that was first derived.
	Finished []byte
}

// Merge returns the call with what is new merged in. The End and Finished that came first
// stay.
func (c Call) Merge(added Call) Call {
	c.Facts = c.Facts.Merge(added.Facts)
	if c.End == "" {
		c.End = added.End
	}
	if c.Finished == nil {
		c.Finished = added.Finished
	}
	return c
}
