package soak_test

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// A report says what became of each message of a queue.
type report struct {
	queue     string
	rows      [classes]row
	broken    [][]string // cases by promise
	afterDead int        // handled after the message before it became a dead letter
	torn      int        // incomplete ledger entries
	exits     exits

	faultyTime, calmTime time.Duration
}

// A row counts the messages of a class.
type row struct {
	sent, handled, repeats    int // handled by all destinations, and again by any
	touched                   int // handled by any destination
	deliveries, maxDeliveries int // of all messages, and of a single one
	dead, deadAndHandled      int
	left                      int // still on the queue
	gone                      int // on no queue and not handled
}

func (r *row) add(other row) {
	r.sent += other.sent
	r.handled += other.handled
	r.touched += other.touched
	r.repeats += other.repeats
	r.deliveries += other.deliveries
	r.maxDeliveries = max(r.maxDeliveries, other.maxDeliveries)
	r.dead += other.dead
	r.deadAndHandled += other.deadAndHandled
	r.left += other.left
	r.gone += other.gone
}

// newReport accounts for all messages of a queue. All workers must have exited.
func newReport(q *queue) (*report, error) {
	if err := q.ledger.readAll(); err != nil {
		return nil, err
	}
	if len(q.proxy.errs) > 0 {
		return nil, q.proxy.errs[0]
	}
	r := &report{
		queue: q.name, broken: make([][]string, len(promises)), torn: q.ledger.torn,
		exits: q.workers.counts(), faultyTime: q.faultyTime, calmTime: q.calmTime,
	}
	for n, m := range q.messages[:q.sent] {
		fate := fateOf(q, n)
		r.rows[m.class].add(fate)
		r.checkFate(m, fate)
		// The test does not know of receives whose answer was dropped.
		if fate.dead > 0 && !q.plan.short && fate.deliveries < q.plan.receives(q.fifo())/2 {
			r.breaks(deadTooEarly, m.id)
		}
	}
	r.checkOrder(q)
	for _, n := range slices.Compact(slices.Sorted(slices.Values(q.proxy.early))) {
		r.breaks(deletedUnhandled, q.messages[n].id)
	}
	for _, failure := range r.exits.failures {
		r.breaks(workerFailed, failure)
	}
	for _, id := range q.ledger.unknown {
		r.breaks(unknownHandled, id)
	}
	return r, nil
}

// fateOf returns the row of a single message.
func fateOf(q *queue, n int) row {
	r := row{sent: 1, deliveries: q.proxy.deliveries[n], maxDeliveries: q.proxy.deliveries[n]}
	r.handled, r.repeats = min(1, q.ledger.least(n)), q.ledger.repeats(n)
	if r.handled+r.repeats > 0 || slices.ContainsFunc(q.ledger.times, func(times []int) bool { return times[n] > 0 }) {
		r.touched = 1
	}
	if q.dead[n] {
		r.dead, r.deadAndHandled = 1, r.handled
	}
	if q.left[n] {
		r.left = 1
	}
	if r.handled+r.dead+r.left == 0 {
		r.gone = 1
	}
	return r
}

func (r *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tsent\thandled\trepeats\tdeliveries\t(max)\tdead letters\t(also handled)\tleft\tgone\t\n", r.queue)
	var all row
	for c, row := range r.rows {
		all.add(row)
		printRow(w, class(c).String(), row)
	}
	printRow(w, "all", all)
	w.Flush()
	fmt.Fprintf(out, "repeats: %.2f %% of what the %d destinations have handled\n",
		100*float64(all.repeats)/float64(max(all.handled, 1)*len(destinations)), len(destinations))
	e := r.exits
	fmt.Fprintf(out, "workers: %d (%d killed, %d drained, %d stopped with unconfirmed calls, %d failed); %d ledger entries torn by a kill\n",
		e.total, e.killed, e.drained, e.unconfirmed, len(e.failures), r.torn)
	fmt.Fprintf(out, "time: %s with faults, %.0f messages per second; then %s without\n", r.faultyTime.Round(time.Second),
		float64(all.sent)/max(r.faultyTime.Seconds(), 1), r.calmTime.Round(time.Second))
	if r.afterDead > 0 {
		fmt.Fprintf(out, "order: %d messages were handled after the one before them became a dead letter\n", r.afterDead)
	}
	fmt.Fprintln(out)
}

func printRow(w io.Writer, name string, r row) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
		name, r.sent, r.handled, r.repeats, r.deliveries, r.maxDeliveries, r.dead, r.deadAndHandled, r.left, r.gone)
}
