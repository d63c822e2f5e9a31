package webhook

import (
	"math"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// maxReading is how many bytes of large bodies are read at once.
	maxReading = 8 << 20
	// recently is the time in which what has been received counts half.
	recently = 250 * time.Millisecond
)

// bodies limits the memory of large bodies that are being read. When there is no room, the
// slowest one gives way.
type bodies struct {
	refusal *episode

	mu       sync.Mutex
	returned sync.Cond // memory has been returned
	free     int       // bytes
	losing   int       // bytes of those that give way and have not returned them yet
	readings map[*reading]struct{}
	refused  int64
}

func newBodies(log *zap.Logger) *bodies {
	b := &bodies{
		refusal: newEpisode(log, "too many large bodies at once, answering the slowest with 503",
			"accepting all large bodies again", "refused"),
		free:     maxReading,
		readings: make(map[*reading]struct{}),
	}
	b.returned.L = &b.mu
	return b
}

// A reading is a large body that is being read. The fields are guarded by bodies.mu.
type reading struct {
	bodies *bodies
	abort  func() error // ends a Read of the body that waits
	size   int          // of its memory
	recent float64      // bytes received, of which the older ones count less
	at     time.Time    // when recent was right
	whole  bool         // it has been read, so it is not slow
	lost   bool         // it has given way
}

// begin returns a reading without memory, of a body of which some bytes have been received.
func (b *bodies) begin(w http.ResponseWriter, received int) *reading {
	return &reading{
		bodies: b,
		abort:  func() error { return http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) },
		recent: float64(received),
		at:     time.Now(),
	}
}

// grow gives the reading more memory, so that it has size bytes in all. It reports false if
// there is too little and no other body is slower, or if this one has given way.
func (r *reading) grow(size int) bool {
	b := r.bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.lost {
		return false
	}
	delete(b.readings, r)
	for b.free+r.size < size {
		if b.free+r.size+b.losing >= size {
			b.returned.Wait()
			continue
		}
		now := time.Now()
		slowest, rate := b.slowest(now)
		if slowest == nil || rate >= r.rate(now, size) || slowest.abort() != nil {
			slowest = r
		}
		b.lose(slowest)
		if slowest == r {
			return false
		}
	}
	b.free -= size - r.size
	r.size = size
	b.readings[r] = struct{}{}
	return true
}

// rate tells how fast a body of a size is, compared with others: the part of its memory that
// was filled a moment ago.
func (r *reading) rate(now time.Time, size int) float64 {
	return r.recent * math.Exp2(-float64(now.Sub(r.at))/float64(recently)) / float64(size)
}

// slowest returns the slowest body that has not been read, and its rate.
func (b *bodies) slowest(now time.Time) (slowest *reading, least float64) {
	for r := range b.readings {
		if r.whole {
			continue
		}
		if rate := r.rate(now, r.size); slowest == nil || rate < least {
			slowest, least = r, rate
		}
	}
	return slowest, least
}

// lose makes a reading give way. b.mu is held.
func (b *bodies) lose(r *reading) {
	delete(b.readings, r)
	r.lost = true
	b.losing += r.size
	b.refused++
	b.refusal.happens(zap.Int("bytes", maxReading))
}

// refuse counts a request with a body for which there is no room.
func (b *bodies) refuse() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused++
	b.refusal.happens(zap.Int("bodies", maxLarge))
}

// received records how many bytes have come.
func (r *reading) received(n int) {
	r.bodies.mu.Lock()
	defer r.bodies.mu.Unlock()
	now := time.Now()
	r.recent, r.at = r.rate(now, 1)+float64(n), now
}

// finish keeps the memory until release, unless the body has given way.
func (r *reading) finish() (lost bool) {
	r.bodies.mu.Lock()
	defer r.bodies.mu.Unlock()
	r.whole = true
	return r.lost
}

// release ends the reading, whose memory is no longer used.
func (r *reading) release() {
	b := r.bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.readings, r)
	b.free += r.size
	if r.lost {
		b.losing -= r.size
	}
	r.size = 0
	b.returned.Broadcast()
}

// count returns how many requests were refused.
func (b *bodies) count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}
