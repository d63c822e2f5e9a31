package poll

import (
	"sync"
	"time"
)

// Stats describe the receives of all pollers.
type Stats struct {
	UnderWay                 int
	Succeeded, Failed, Empty int           // answered receives; Empty are among Succeeded
	Answered                 time.Time     // time of the latest success; zero before the first
	FailingSince             time.Time     // time of the first failure since the latest success; zero if none
	Oldest                   time.Duration // how long the oldest receive has been running
}

// tracker counts receives.
type tracker struct {
	mu     sync.Mutex
	stats  Stats
	begun  map[int]time.Time // receives under way, by number
	number int               // of the latest receive
}

// begin records the start of a receive, and returns its number.
func (t *tracker) begin() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun == nil {
		t.begun = make(map[int]time.Time)
	}
	t.number++
	t.begun[t.number] = time.Now()
	return t.number
}

// end records the result of a receive.
func (t *tracker) end(number, received int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.begun, number)
	if err != nil {
		t.stats.Failed++
		if t.stats.FailingSince.IsZero() {
			t.stats.FailingSince = time.Now()
		}
		return
	}
	t.stats.Succeeded++
	t.stats.Answered, t.stats.FailingSince = time.Now(), time.Time{}
	if received == 0 {
		t.stats.Empty++
	}
}

func (t *tracker) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.UnderWay = len(t.begun)
	for _, at := range t.begun {
		s.Oldest = max(s.Oldest, time.Since(at))
	}
	return s
}
