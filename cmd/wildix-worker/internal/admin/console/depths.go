package console

import (
	"context"
	"sync"
)

// latestDepths holds the last depths that were asked for.
type latestDepths struct {
	mu      sync.Mutex
	latest  []Depth
	asking  bool
	running sync.WaitGroup
}

func (d *latestDepths) get() []Depth {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest
}

// update starts to ask for the depths, unless that is under way. It does not wait.
func (d *latestDepths) update(ctx context.Context, ask func(context.Context) []Depth) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asking {
		return
	}
	d.asking = true
	d.running.Go(func() {
		depths := ask(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.latest, d.asking = depths, false
	})
}

func (d *latestDepths) wait() { d.running.Wait() }
