package bench_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// BenchmarkProgram compares the program with the plainest loop over the SDK, in turns.
func BenchmarkProgram(b *testing.B) {
	s := startServer(b)
	all := batch{messages: *messageCount}
	b.Run("log", func(b *testing.B) { compare(b, s, all, program) })
	b.Run("destinations", func(b *testing.B) { compare(b, s, all, s.threeDestinations()) })
	b.Run("down", func(b *testing.B) { benchDown(b, s) })
	b.Run("trickle", func(b *testing.B) { benchTrickle(b, s) })
	b.Run("idle", func(b *testing.B) { benchIdle(b, s) })
}

// compare compares a command with the loop, which only writes lines.
func compare(b *testing.B, s *server, messages batch, c command) {
	var one, other []figures
	for b.Loop() {
		one = append(one, s.drained(b, messages, c))
		other = append(other, s.drained(b, messages, loop))
	}
	b.ReportMetric(0, "ns/op")
	b.Log(comparison(saturated, c.name, one, loop.name, other))
}

// threeDestinations is the program with a database, a service that answers at once, and log.
func (s *server) threeDestinations() command {
	c := program
	c.config = `destinations:
  archive:
    type: database
    url: sqlite:${STATE_DIRECTORY}/events.db
  crm:
    type: http
    url: ` + s.service + `/destination
  log:
    type: log
`
	return c
}

// drained measures consumers that empty a full queue.
func (s *server) drained(tb testing.TB, b batch, consumers ...command) (f figures) {
	tb.Helper()
	q := s.newQueue(tb)
	defer q.remove()
	q.fill(b)
	before := q.calls()
	for _, c := range consumers {
		q.start(c)
	}
	d := q.await(b.messages, 0)
	return q.measure(figures{messages: b.messages, took: time.Duration(d.Most - d.First), calls: q.calls() - before})
}

// measure adds the CPU time and memory of the queue's consumers, and stops them.
func (q *queue) measure(f figures) figures {
	q.tb.Helper()
	for _, p := range q.consumers {
		f.cpu += p.cpu()
		f.peak = max(f.peak, p.memory("VmHWM"))
	}
	for _, p := range q.consumers {
		p.stop()
	}
	return f
}

// benchDown measures the program while one of two destinations is down: all messages are
// handled by the other one and held.
func benchDown(b *testing.B, s *server) {
	messages := min(*messageCount, maxHeld)
	var down, up []figures
	for b.Loop() {
		down = append(down, s.heldFor(b, messages, s.oneDown()))
		up = append(up, s.drained(b, batch{messages: messages}, program))
	}
	b.ReportMetric(0, "ns/op")
	b.Log(comparison(saturated, "one down", down, "all up", up))
}

// maxHeld is how many messages the program holds by default.
const maxHeld = 10_000

// oneDown is the program with a destination that can't be reached.
func (s *server) oneDown() command {
	c := program
	c.config = `destinations:
  crm:
    type: http
    url: http://127.0.0.1:9/
  log:
    type: log
`
	c.reads = true
	return c
}

// heldFor measures until the destination that is up has all messages. They stay held.
func (s *server) heldFor(tb testing.TB, messages int, c command) figures {
	tb.Helper()
	q := s.newQueue(tb)
	defer q.remove()
	q.fill(batch{messages: messages})
	before := q.calls()
	p := q.start(c)
	f := figures{messages: messages}
	var begun time.Time
	handled := 0
	p.lines(func([]byte) bool {
		if handled++; handled == 1 {
			begun = time.Now()
		}
		if handled == messages-messages/100 {
			f.took = time.Since(begun)
		}
		return handled < messages
	})
	f.calls = q.calls() - before
	return q.measure(f)
}

// benchTrickle sends 20 messages a second to the idle program, and measures how long each
// takes to its handler, which writes a line, and to its delete.
func benchTrickle(b *testing.B, s *server) {
	var one, other []figures
	for b.Loop() {
		one = append(one, s.trickled(b, program, trickled))
		other = append(other, s.trickled(b, loop, trickled))
	}
	b.ReportMetric(0, "ns/op")
	b.Log(comparison([]measure{cpu, calls, peak, toHandler, toDelete}, "program", one, "loop", other))
}

// trickled is how many messages a run has, which takes 20 s.
const trickled = 400

// trickled sends messages at random times, 20 a second on average.
func (s *server) trickled(tb testing.TB, c command, messages int) figures {
	tb.Helper()
	q := s.newQueue(tb)
	defer q.remove()
	q.endpoint = s.service // which forwards to the queue's server, and times deletes
	c.reads = true
	before := q.calls()
	p := q.start(c)
	var sending sync.WaitGroup
	sending.Go(func() {
		next := time.Now().Add(2 * time.Second) // the consumer waits on the empty queue by then
		for range messages {
			time.Sleep(time.Until(next))
			next = next.Add(time.Duration(rand.ExpFloat64() * float64(50*time.Millisecond)))
			sending.Go(func() { q.send(q.body, 1) })
		}
	})
	f := figures{messages: messages}
	p.lines(func(line []byte) bool {
		f.toHandler = append(f.toHandler, time.Since(madeAt(line)))
		return len(f.toHandler) < messages
	})
	sending.Wait()
	q.await(messages, 0)
	f.calls = q.calls() - before
	q.get("/deletes", &f.toDelete)
	return q.measure(f)
}

// benchIdle measures the program on an empty queue, after its start.
func benchIdle(b *testing.B, s *server) {
	for b.Loop() {
		q := s.newQueue(b)
		p := q.start(program)
		time.Sleep(5 * time.Second)
		calls, cpu := q.calls(), p.cpu()
		time.Sleep(*idleTime)
		hours := idleTime.Hours()
		b.ReportMetric(float64(q.calls()-calls)/hours, "calls/h")
		b.ReportMetric((p.cpu()-cpu).Seconds()/hours, "CPU-s/h")
		b.ReportMetric(float64(p.memory("VmRSS"))/(1<<20), "RSS-MiB")
		p.stop()
		q.remove()
	}
	b.ReportMetric(0, "ns/op")
}

// TestScenarios runs each scenario of the benchmarks with a few messages, so that they go on
// working, and checks what does not depend on the machine.
func TestScenarios(t *testing.T) {
	s := startServer(t)
	const messages = 300
	few := batch{messages: messages}
	for name, run := range map[string]func(t *testing.T) figures{
		"log":          func(t *testing.T) figures { return s.drained(t, few, program) },
		"loop":         func(t *testing.T) figures { return s.drained(t, few, loop) },
		"two programs": func(t *testing.T) figures { return s.drained(t, few, program, program) },
		"256 KB":       func(t *testing.T) figures { return s.drained(t, batch{messages: 30, size: ofKB(256).size}, program) },
		"destinations": func(t *testing.T) figures { return s.drained(t, few, s.threeDestinations()) },
		"down":         func(t *testing.T) figures { return s.heldFor(t, messages, s.oneDown()) },
		"held":         func(t *testing.T) figures { return s.besideHeld(t, few, 30) },
		"trickle": func(t *testing.T) figures {
			f := s.trickled(t, program, 20)
			if len(f.toHandler) != 20 || len(f.toDelete) != 20 {
				t.Errorf("%d handled, %d deleted, want 20", len(f.toHandler), len(f.toDelete))
			}
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := run(t)
			if f.calls <= 0 || f.calls > 3*f.messages {
				t.Errorf("%d calls for %d messages", f.calls, f.messages)
			}
			if f.cpu <= 0 || f.peak <= 0 {
				t.Errorf("CPU time %s, peak RSS %d", f.cpu, f.peak)
			}
			t.Logf("%.0f µs a message", cpu.of(f))
		})
	}
}
