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

// A plan is how hard the soak is.
type plan struct {
	workers      int           // of each queue
	life         time.Duration // of a worker, on average
	lease        time.Duration
	ahead        int // messages that may be visible on a queue
	maxReceives  int // before a message becomes a dead letter
	fifoReceives int // the same, with some more: behind one that fails, others lose a receive too
	short        bool
}

// The real plan allows for so many receives that no valid message should become
// a dead letter. The small one is over in seconds, at the price that some do.
var (
	realPlan  = plan{workers: 2, life: 3 * time.Second, lease: 5 * time.Second, ahead: 5000, maxReceives: 12, fifoReceives: 20}
	smallPlan = plan{workers: 2, life: time.Second, lease: calmLease, ahead: 100, maxReceives: 3, fifoReceives: 4, short: true}
)

// calmLease is the shortest lease there is. With it, the last worker is soon
// done with messages that are left until they are dead letters.
const calmLease = 2 * time.Second

func (p plan) receives(fifo bool) int {
	if fifo {
		return p.fifoReceives
	}
	return p.maxReceives
}

func TestSoak(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("workers are told to stop by SIGTERM")
	}
	p := realPlan
	if *messages <= fewMessages {
		p = smallPlan
	}
	// Far more than is needed: it is for a worker that gets nowhere, whatever
	// the machine.
	ctx, cancel := context.WithTimeoutCause(t.Context(), 8*time.Minute+time.Duration(*messages)*20*time.Millisecond,
		errors.New("no end in sight"))
	defer cancel()

	server := sqslocal.New(sqslocal.Options{})
	if err := server.Start(""); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	onFIFO := *messages / 5
	queues := []*queue{
		newQueue(t, server, "calls", p, write(*messages-onFIFO, false)),
		newQueue(t, server, "calls.fifo", p, write(onFIFO, true)),
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
	calls := callsOf(server)
	for _, q := range queues {
		if err := q.collect(t.Context()); err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
	}
	judge(t, queues, calls)
}

// judge prints the account of the queues and names every promise that was
// broken.
func judge(t *testing.T, queues []*queue, calls string) {
	t.Helper()
	var out strings.Builder
	var accounts []*account
	for _, q := range queues {
		a, err := q.account()
		if err != nil {
			t.Fatal(err)
		}
		accounts = append(accounts, a)
		a.print(&out)
	}
	fmt.Fprintf(&out, "\n%s\n\n", calls)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for i, promise := range promises {
		sum := 0
		for _, a := range accounts {
			sum += len(a.broken[i])
		}
		fmt.Fprintf(w, "%s\t%d\t(%s)\n", promise.name, sum, promise.meaning)
	}
	w.Flush()
	t.Logf("\n%s", &out)
	for i, promise := range promises {
		for _, a := range accounts {
			if cases := a.broken[i]; len(cases) > 0 {
				t.Errorf("%s: %s: %d, such as\n\t%s", a.queue, promise.name, len(cases), strings.Join(cases[:min(len(cases), 5)], "\n\t"))
			}
		}
	}
}

func callsOf(server *sqslocal.Server) string {
	var parts []string
	for _, action := range []string{"SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		parts = append(parts, fmt.Sprintf("%d %s", server.Calls(action), action))
	}
	return "calls: " + strings.Join(parts, ", ")
}
