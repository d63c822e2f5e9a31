package soak_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"wildix-worker/consumer/sqslocal"
)

// A plan configures a soak.
type plan struct {
	workers     int           // per queue
	lifetime    time.Duration // of a worker, on average
	lease       time.Duration
	maxVisible  int // messages on a queue, before more are sent
	maxReceives int // before a message becomes a dead letter
	// On a FIFO queue, more receives are needed: when a message fails, those
	// received after it in its group are returned and have spent a receive too.
	fifoMaxReceives int
	short           bool
}

// fullPlan allows so many receives that no valid message should become a dead letter.
// With shortPlan, which takes only seconds, some do.
var (
	fullPlan  = plan{workers: 2, lifetime: 3 * time.Second, lease: 5 * time.Second, maxVisible: 5000, maxReceives: 12, fifoMaxReceives: 20}
	shortPlan = plan{workers: 2, lifetime: time.Second, lease: calmLease, maxVisible: 100, maxReceives: 3, fifoMaxReceives: 4, short: true}
)

// calmLease is the shortest lease that the consumer accepts, so that messages which are
// left until their lease ends are soon dead letters.
const calmLease = 2 * time.Second

func (p plan) receives(fifo bool) int {
	if fifo {
		return p.fifoMaxReceives
	}
	return p.maxReceives
}

func TestSoak(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("workers are stopped by SIGTERM")
	}
	p := fullPlan
	if *messageCount <= defaultMessages {
		p = shortPlan
	}
	// The timeout is for a worker that makes no progress. It is far more than a slow
	// machine needs.
	ctx, cancel := context.WithTimeoutCause(t.Context(), 8*time.Minute+time.Duration(*messageCount)*20*time.Millisecond,
		errors.New("timed out"))
	defer cancel()

	server := sqslocal.New(sqslocal.Options{})
	if err := server.Start(""); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	onFIFO := *messageCount / 5
	queues := []*queue{
		newQueue(t, server, "calls", p, newMessages(*messageCount-onFIFO, false)),
		newQueue(t, server, "calls.fifo", p, newMessages(onFIFO, true)),
	}
	var soaking sync.WaitGroup
	for _, q := range queues {
		soaking.Go(func() {
			if err := q.soak(ctx); err != nil {
				t.Errorf("%s: not finished: %v", q.name, err)
			}
		})
	}
	soaking.Wait()
	calls := describeCalls(server)
	for _, q := range queues {
		if err := q.collect(t.Context()); err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
	}
	check(t, queues, calls)
}

// check logs the reports of the queues, and fails the test for each broken promise.
func check(t *testing.T, queues []*queue, calls string) {
	t.Helper()
	var out strings.Builder
	var reports []*report
	for _, q := range queues {
		r, err := newReport(q)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
		r.print(&out)
	}
	fmt.Fprintf(&out, "\n%s\n\n", calls)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for i, promise := range promises {
		sum := 0
		for _, r := range reports {
			sum += len(r.broken[i])
		}
		fmt.Fprintf(w, "%s\t%d\t(%s)\n", promise.name, sum, promise.meaning)
	}
	w.Flush()
	t.Logf("\n%s", &out)
	for i, promise := range promises {
		for _, r := range reports {
			if cases := r.broken[i]; len(cases) > 0 {
				t.Errorf("%s: %s: %d, such as\n\t%s", r.queue, promise.name, len(cases), strings.Join(cases[:min(len(cases), 5)], "\n\t"))
			}
		}
	}
}

// describeCalls returns how many calls of each kind the server got.
func describeCalls(server *sqslocal.Server) string {
	var parts []string
	for _, action := range []string{"SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		parts = append(parts, fmt.Sprintf("%d %s", server.Calls(action), action))
	}
	return "calls: " + strings.Join(parts, ", ")
}
