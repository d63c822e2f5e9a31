package console

import (
	"math/bits"
	"time"

	"wildix-worker/events"
)

// The history covers five minutes.
const (
	step  = 2 * time.Second
	steps = 150
)

// A history counts messages per step of time. It needs no timer, because the first message
// of a step resets the counts.
type history [steps]stepCounts

type stepCounts struct {
	number   int64 // of the step, counted from the Unix epoch
	outcomes [events.Outcomes]uint32
	took     histogram
}

func (h *history) add(at time.Time, o events.Outcome, took time.Duration) {
	number := at.UnixNano() / int64(step)
	counts := &h[number%steps]
	if counts.number != number {
		*counts = stepCounts{number: number}
	}
	counts.outcomes[o]++
	counts.took.add(took)
}

// A point is a step in a frame: its start, the count of each outcome, and the median and
// 95th percentile of durations in milliseconds.
type point [1 + events.Outcomes + 2]float64

// since returns the last n steps, including the current one.
func (h *history) since(now time.Time, n int) []point {
	points := make([]point, n)
	last := now.UnixNano() / int64(step)
	for i := range points {
		number := last - int64(n-1-i)
		p := &points[i]
		p[0] = float64(number * step.Milliseconds())
		counts := &h[number%steps]
		if counts.number != number {
			continue
		}
		for o, count := range counts.outcomes {
			p[1+o] = float64(count)
		}
		p[1+events.Outcomes] = counts.took.quantile(.5)
		p[2+events.Outcomes] = counts.took.quantile(.95)
	}
	return points
}

// A histogram counts durations by their first three binary digits in microseconds. That is
// exact to an eighth, from one microsecond to more than a minute.
type histogram [28 * 4]uint32

func (s *histogram) add(d time.Duration) { s[min(bucket(max(d.Microseconds(), 0)), len(s)-1)]++ }

func bucket(micros int64) int {
	if micros < 8 {
		return int(micros)
	}
	digits := bits.Len64(uint64(micros))
	return 4*(digits-2) + int(micros>>(digits-3))&3
}

// middle returns the middle of a bucket, in milliseconds.
func middle(index int) float64 {
	if index < 8 {
		return float64(index) / 1000
	}
	shift := index/4 - 1
	return (float64(4+index%4) + .5) * float64(int64(1)<<shift) / 1000
}

// quantile returns approximately a quantile of the durations, in milliseconds. part is from
// 0 to 1, such as 0.5 for the median.
func (s *histogram) quantile(part float64) float64 {
	var sum, below float64
	for _, n := range s {
		sum += float64(n)
	}
	if sum == 0 {
		return 0
	}
	for i, n := range s {
		if below += float64(n); below >= part*sum {
			return middle(i)
		}
	}
	return middle(len(s) - 1)
}
