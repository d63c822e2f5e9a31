package console

import (
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events/route"
)

func TestRateOfADestinationIsThatOfTheLastSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stats := []route.Stats{{Name: "store"}, {Name: "forward"}}
		c := New(Config{Destinations: func() []route.Stats { return stats }})
		next := func() [2]float64 {
			t.Helper()
			rows := c.frames.next(1, nil).Destinations
			return [2]float64{rows[0].Rate, rows[1].Rate}
		}
		check := func(want [2]float64) {
			t.Helper()
			if got := next(); got != want {
				t.Errorf("rates %v, want %v", got, want)
			}
		}
		check([2]float64{-1, -1})
		for range 30 {
			time.Sleep(interval)
			stats[0].Handled += 12
			next()
		}
		check([2]float64{12, 0})
		for range 5 { // half of the time
			time.Sleep(interval)
			stats[0].Handled += 24
			next()
		}
		check([2]float64{18, 0})
		stats[0].Handled = 3 // of a router that has replaced it
		time.Sleep(interval)
		check([2]float64{-1, 0})
		time.Sleep(interval)
		stats[0].Handled += 2
		check([2]float64{2, 0})
		time.Sleep(time.Hour) // nobody watches
		stats[0].Handled += 1e6
		check([2]float64{-1, -1})
		if n := len(c.frames.rates["store"]); n != 1 {
			t.Errorf("%d counts are kept", n)
		}
	})
}
