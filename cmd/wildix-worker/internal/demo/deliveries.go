package demo

import "sync"

// maxRecent is how many keys deliveries keep at least, to recognize repeats.
const maxRecent = 10_000

// deliveries count the events that have arrived at a destination.
type deliveries struct {
	mu             sync.Mutex
	count, repeats int
	recent, older  map[string]bool // by delivery key
}

// add records the arrival of the event with a delivery key.
func (d *deliveries) add(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.recent[key] || d.older[key] {
		d.repeats++
		return
	}
	d.count++
	if len(d.recent) >= maxRecent || d.recent == nil {
		d.older, d.recent = d.recent, make(map[string]bool)
	}
	d.recent[key] = true
}
