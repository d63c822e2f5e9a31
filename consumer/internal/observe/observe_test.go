package observe_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer/internal/observe"
)

func TestFailuresAreLoggedOncePerChangeOfState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		var seen []int
		guarded := observe.Guard(func(n int) {
			seen = append(seen, n)
			if n < 3 {
				panic("no room")
			}
		}, zap.New(core))
		for n := range 6 {
			guarded(n)
			time.Sleep(50 * time.Second)
		}
		if len(seen) != 6 {
			t.Errorf("called with %v, want all of 6", seen)
		}
		var lines []string
		for _, entry := range logs.All() {
			lines = append(lines, entry.Message)
		}
		if got := strings.Join(lines, ", "); got != "Observe failed, Observe works again" {
			t.Errorf("logged %s", got)
		}
		if err := logs.All()[0].ContextMap()["error"]; err != "panicked: no room" {
			t.Errorf("error %v", err)
		}
	})
}

func TestNilIsNotCalled(t *testing.T) {
	observe.Guard[int](nil, zap.NewNop())(1)
}

func BenchmarkGuard(b *testing.B) {
	guarded := observe.Guard(func(int) {}, zap.NewNop())
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			guarded(1)
		}
	})
}
