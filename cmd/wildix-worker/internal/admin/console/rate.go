package console

import (
	"time"

	"wildix-worker/events/route"
)

// rateTime is the time over which the rate of a destination is measured.
const rateTime = 10 * time.Second

// rates measures how many events a second destinations handle. It costs nothing while no
// page is open: it compares the counts of the frames.
type rates map[string][]handledAt // by destination, the oldest first

// handledAt is how many events a destination had handled at a time.
type handledAt struct {
	at      time.Time
	handled uint64
}

// next adds the present counts and returns the rate of each destination, or -1 if there was
// no frame in the last seconds to compare with.
func (r *rates) next(stats []route.Stats, now time.Time) []float64 {
	next := make(rates, len(stats))
	perSecond := make([]float64, len(stats))
	for i, s := range stats {
		next[s.Name], perSecond[i] = withCount((*r)[s.Name], handledAt{now, s.Handled})
	}
	*r = next
	return perSecond
}

func withCount(counts []handledAt, latest handledAt) ([]handledAt, float64) {
	for len(counts) > 0 && latest.at.Sub(counts[0].at) > rateTime+interval/2 {
		counts = counts[1:]
	}
	if n := len(counts); n > 0 && counts[n-1].handled > latest.handled { // it is a new destination
		counts = nil
	}
	perSecond := -1.
	if len(counts) > 0 {
		if took := latest.at.Sub(counts[0].at); took > 0 {
			perSecond = float64(latest.handled-counts[0].handled) / took.Seconds()
		}
	}
	return append(counts, latest), perSecond
}
