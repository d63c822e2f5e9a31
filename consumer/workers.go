package consumer

import "sync"

// workers are the goroutines that handle messages. There are at least as many as slots, which
// limit what they are given.
type workers struct {
	slots func() int
	group sync.WaitGroup // also of goroutines that handle one message

	mu    sync.Mutex
	run   func() // of each worker; nil unless they have started and not stopped
	count int
}

// start starts the workers.
func (w *workers) start(run func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run = run
	w.fill()
}

// grow starts the workers that are missing since there are more slots.
func (w *workers) grow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.run != nil {
		w.fill()
	}
}

func (w *workers) fill() {
	for ; w.count < w.slots(); w.count++ {
		w.group.Go(w.run)
	}
}

// stop has no more workers started.
func (w *workers) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run = nil
}
