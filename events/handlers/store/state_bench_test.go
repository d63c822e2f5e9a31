package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/finish"
)

// BenchmarkState measures what the state costs for each event of a call that has not ended.
func BenchmarkState(b *testing.B) {
	for _, kind := range []struct {
		name string
		make func(testing.TB) *database
	}{{"sqlite", newSQLite}, {"postgres", newPostgres}} {
		for _, concurrent := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, concurrent), func(b *testing.B) {
				h, err := finish.New(finish.Config{
					Next:  events.HandlerFunc(func(context.Context, *events.Event) error { return nil }),
					State: kind.make(b).state(b),
				})
				if err != nil {
					b.Fatal(err)
				}
				all := make([]*events.Event, b.N)
				for i := range all {
					all[i] = benchEvent(b, i)
					if all[i].Type == events.CallEnd {
						all[i].Type = events.CallUpdate
					}
				}
				b.ReportAllocs()
				b.ResetTimer()
				dispatchAll(b, h, all, concurrent)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// dispatchAll passes the events to the handler, some of them at once.
func dispatchAll(b *testing.B, h events.Handler, all []*events.Event, concurrent int) {
	b.Helper()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range concurrent {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				if _, err := events.DispatchHeld(context.Background(), h, all[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
}
