package soak_test

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// An account says what became of every letter of a queue.
type account struct {
	queue         string
	rows          [classes]row
	broken        [][]string // by promise: the cases
	afterDead     int        // handled though the one before it became a dead letter
	torn          int
	crew          tally
	trouble, calm time.Duration
}

// A row counts the letters of a class.
type row struct {
	sent, handled, repeats int
	deliveries, most       int // of all of them, and of one
	dead, both             int // dead letters, and those that were handled as well
	left, gone             int // still on the queue; nowhere and never handled
}

func (r *row) add(other row) {
	r.sent += other.sent
	r.handled += other.handled
	r.repeats += other.repeats
	r.deliveries += other.deliveries
	r.most = max(r.most, other.most)
	r.dead += other.dead
	r.both += other.both
	r.left += other.left
	r.gone += other.gone
}

// The promises, and what it means to break one.
const (
	lost = iota
	deletedUnhandled
	forgedHandled
	malformedHandled
	outOfOrder
	diedByItself
	unknownHandled
)

var promises = []struct{ name, meaning string }{
	lost:             {"lost", "on no queue and never handled"},
	deletedUnhandled: {"deleted unhandled", "a delete was asked for before a handler had succeeded"},
	forgedHandled:    {"forged handled", "of any kind of bad signature"},
	malformedHandled: {"malformed handled", "signed, but no event"},
	outOfOrder:       {"out of order", "first handled before the one before it in its FIFO group"},
	diedByItself:     {"workers that failed", "crashed, hung, or did not stop cleanly in peace"},
	unknownHandled:   {"unknown handled", "with an id that was never sent"},
}

// account takes stock. It is called when all workers have ended.
func (q *queue) account() (*account, error) {
	if err := q.ledger.readAll(); err != nil {
		return nil, err
	}
	if len(q.witness.errs) > 0 {
		return nil, q.witness.errs[0]
	}
	a := &account{
		queue: q.name, broken: make([][]string, len(promises)), torn: q.ledger.torn,
		crew: q.crew.counts(), trouble: q.trouble, calm: q.calm,
	}
	for n, l := range q.letters[:q.sent] {
		r := q.fate(n)
		a.rows[l.class].add(r)
		a.judge(l, r)
	}
	a.judgeOrder(q)
	for _, n := range slices.Compact(slices.Sorted(slices.Values(q.witness.early))) {
		a.breaks(deletedUnhandled, q.letters[n].id)
	}
	for _, how := range a.crew.failed {
		a.breaks(diedByItself, how)
	}
	for _, id := range q.ledger.foreign {
		a.breaks(unknownHandled, id)
	}
	return a, nil
}

// fate is what became of one letter.
func (q *queue) fate(n int) row {
	r := row{sent: 1, deliveries: q.witness.deliveries[n], most: q.witness.deliveries[n]}
	times := q.ledger.times[n]
	if times > 0 {
		r.handled, r.repeats = 1, times-1
	}
	if q.deadLetters[n] {
		r.dead, r.both = 1, r.handled
	}
	if q.left[n] {
		r.left = 1
	}
	if r.handled+r.dead+r.left == 0 {
		r.gone = 1
	}
	return r
}

func (a *account) judge(l letter, r row) {
	if r.gone > 0 {
		a.breaks(lost, l.id)
	}
	if r.handled > 0 && l.class == forged {
		a.breaks(forgedHandled, l.id)
	}
	if r.handled > 0 && l.class == malformed {
		a.breaks(malformedHandled, l.id)
	}
}

// judgeOrder looks at first handlings: a letter that is handled once more when
// the next one already was is a repeat like any other.
func (a *account) judgeOrder(q *queue) {
	place := make(map[int]int, len(q.ledger.first))
	for i, n := range q.ledger.first {
		place[n] = i
	}
	for n, l := range q.letters {
		mine, handled := place[n]
		if !handled || l.after < 0 {
			continue
		}
		before, ok := place[l.after]
		switch {
		case ok && before < mine:
		case q.deadLetters[l.after]:
			a.afterDead++
		default:
			a.breaks(outOfOrder, fmt.Sprintf("%s before %s", l.id, q.letters[l.after].id))
		}
	}
}

func (a *account) breaks(promise int, what string) {
	a.broken[promise] = append(a.broken[promise], what)
}

func (a *account) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tsent\thandled\trepeats\tdeliveries\t(most)\tdead letters\t(handled too)\tstill there\tgone\t\n", a.queue)
	var all row
	for c, r := range a.rows {
		all.add(r)
		printRow(w, class(c).String(), r)
	}
	printRow(w, "all", all)
	w.Flush()
	fmt.Fprintf(out, "repeats: %.2f %% of what was handled\n", 100*float64(all.repeats)/float64(max(all.handled, 1)))
	t := a.crew
	fmt.Fprintf(out, "workers: %d, of which %d killed, %d stopped cleanly, %d stopped with calls unconfirmed, %d failed; %d entries torn by a kill\n",
		t.ended, t.killed, t.clean, t.undone, len(t.failed), a.torn)
	fmt.Fprintf(out, "time: %s in trouble, %.0f messages a second; then %s in peace\n", a.trouble.Round(time.Second),
		float64(all.sent)/max(a.trouble.Seconds(), 1), a.calm.Round(time.Second))
	if a.afterDead > 0 {
		fmt.Fprintf(out, "order: %d were handled after the one before them had become a dead letter\n", a.afterDead)
	}
	fmt.Fprintln(out)
}

func printRow(w io.Writer, name string, r row) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, r.sent, r.handled, r.repeats, r.deliveries, r.most, r.dead, r.both, r.left, r.gone)
}
