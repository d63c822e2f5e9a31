package once_test

import (
	"context"
	"encoding/binary"
	"runtime"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

// BenchmarkEvent measures an event without its handler, in one process alone.
func BenchmarkEvent(b *testing.B) {
	h := wrapped(b, events.HandlerFunc(func(context.Context, *events.Event) error { return nil }), once.Config{})
	e := event(0)
	ctx := b.Context()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		binary.BigEndian.PutUint64(e.Raw, uint64(n))
		if err := h.HandleEvent(ctx, e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKey measures the key that a shared store needs.
func BenchmarkKey(b *testing.B) {
	e := event(0)
	for b.Loop() {
		e.DeliveryKey()
	}
}

// BenchmarkMemory measures the bytes that a remembered event takes, when there are as
// many as possible.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		h := wrapped(b, events.HandlerFunc(func(context.Context, *events.Event) error { return nil }), once.Config{})
		for n := range 3 * once.DefaultKeys / 2 {
			if err := h.HandleEvent(b.Context(), event(n)); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/once.DefaultKeys, "B/key")
		runtime.KeepAlive(h)
	}
}
