package bench_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkGrowth measures the program with more of one thing at a time.
func BenchmarkGrowth(b *testing.B) {
	s := startServer(b)
	grow(b, "messages", []int{10_000, 100_000, 1_000_000}, func(b *testing.B, n int) figures {
		return s.drained(b, batch{messages: n}, program)
	})
	grow(b, "concurrency", []int{1, 8, 64, 512}, func(b *testing.B, n int) figures {
		c := program
		c.environment = []string{"WILDIX_CONCURRENCY=" + strconv.Itoa(n)}
		return s.drained(b, batch{messages: *messageCount}, c)
	})
	b.Run("KB-a-body", func(b *testing.B) {
		for _, n := range []int{1, 64, 256} {
			b.Run(strconv.Itoa(n), func(b *testing.B) { compare(b, s, ofKB(n), program) })
		}
	})
	grow(b, "destinations", []int{1, 2, 4, 8, 16}, func(b *testing.B, n int) figures {
		return s.drained(b, batch{messages: *messageCount}, logs(n))
	})
	grow(b, "held", []int{0, 1_000, 10_000}, func(b *testing.B, n int) figures {
		return s.besideHeld(b, batch{messages: *messageCount}, n)
	})
	grow(b, "workers", []int{1, 2, 4, 8}, func(b *testing.B, n int) figures {
		return s.drained(b, batch{messages: *messageCount}, slices.Repeat([]command{program}, n)...)
	})
}

// grow prints a table with a row for each value.
func grow(b *testing.B, what string, values []int, run func(b *testing.B, n int) figures) {
	b.Run(strings.ReplaceAll(what, " ", "-"), func(b *testing.B) {
		rows := make([]row, len(values))
		for b.Loop() {
			for i, n := range values {
				rows[i].name = strconv.Itoa(n)
				rows[i].runs = append(rows[i].runs, run(b, n))
			}
		}
		b.ReportMetric(0, "ns/op")
		b.Log(growth(what, saturated, rows))
	})
}

// ofKB returns messages with bodies of n KB, fewer the larger they are.
func ofKB(n int) batch {
	size := n<<10 - 512 // the largest message is 256 KB with its signature
	return batch{messages: *messageCount / n, size: size}
}

// logs is the program with n destinations, each of which writes a line for each event.
func logs(n int) command {
	c := program
	c.config = "destinations:\n"
	for i := range n {
		c.config += fmt.Sprintf("  log%d:\n    type: log\n", i+1)
	}
	return c
}

// besideHeld measures the program on a full queue, while it holds other messages for a
// destination that is down.
func (s *server) besideHeld(tb testing.TB, b batch, held int) figures {
	tb.Helper()
	q := s.newQueue(tb)
	defer q.remove()
	c := program
	c.config = strings.Replace(strings.Replace(s.oneDown().config, "type: http", "type: http\n    on: [call:start]", 1),
		"type: log", "type: log\n    on: [call:end]", 1)
	q.fill(batch{messages: held, eventType: "call:start"})
	q.fill(b)
	p := q.start(c)
	q.awaitWaiting(b.messages - 1) // the server delivers those first that were sent first
	calls, before := q.calls(), p.cpu()
	d := q.await(b.messages, held)
	f := q.measure(figures{messages: b.messages, took: time.Duration(d.Most - d.First), calls: q.calls() - calls})
	f.cpu -= before
	return f
}
