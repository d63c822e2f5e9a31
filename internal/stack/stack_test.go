package stack_test

import (
	"sync"
	"testing"

	"wildix-worker/internal/stack"
)

// deep needs about as much stack as a call of a handler.
//
//go:noinline
func deep(n int) byte {
	var frame [400]byte
	if n > 0 {
		frame[n] = deep(n - 1)
	}
	return frame[n]
}

func BenchmarkGoroutine(b *testing.B) {
	for name, begin := range map[string]func(){"new": func() {}, "grown": stack.Grow} {
		b.Run(name, func(b *testing.B) {
			var calls sync.WaitGroup
			for b.Loop() {
				calls.Go(func() {
					begin()
					deep(12)
				})
				calls.Wait()
			}
		})
	}
}
