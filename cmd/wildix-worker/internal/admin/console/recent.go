package console

import (
	"sync"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// recent keeps the last messages and counts all of them. To add one costs little: it copies
// the beginning of the body, which is decoded when somebody looks.
type recent struct {
	mu      sync.Mutex
	totals  [events.Outcomes]int64
	done    ring // messages that were handled, ignored or duplicates
	trouble ring // the others, kept apart so that successes don't push them out
	count   uint64
	history history
}

func (r *recent) add(result *consumer.Result) {
	h := head{at: time.Now(), outcome: result.Outcome, took: result.Took, receiveCount: result.ReceiveCount, sent: result.SentAt}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.totals[h.outcome]++
	r.history.add(h.at, h.outcome, h.took)
	r.count++
	h.number = r.count
	if h.outcome.Done() {
		r.done.next().set(h, result)
		return
	}
	r.trouble.next().set(h, result)
}

// find returns the note with a number that was made at a time in Unix milliseconds. The time
// tells apart the notes of two workers.
func (r *recent) find(number uint64, at int64) (n note, ok bool) {
	found, ok := r.findRecord(number, at)
	if !ok {
		return note{}, false
	}
	return found.note(), true
}

func (r *recent) findRecord(number uint64, at int64) (record, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kept := range []*ring{&r.done, &r.trouble} {
		for i := range min(kept.added, ringSize) {
			if found := &kept.records[i]; found.number == number && found.at.UnixMilli() == at {
				return found.clone(), true
			}
		}
	}
	return record{}, false
}

// after returns the totals, the last steps of the history, the notes after the one with the
// given number, and the number of the newest note.
func (r *recent) after(number uint64, now time.Time, steps int) (totals [events.Outcomes]int64, points []point, notes []note, last uint64) {
	totals, points, records, last := r.recordsAfter(number, now, steps)
	for i := range records {
		notes = append(notes, records[i].note())
	}
	return totals, points, notes, last
}

// recordsAfter returns copies of the records, so that messages don't wait until they are
// decoded.
func (r *recent) recordsAfter(number uint64, now time.Time, steps int) (totals [events.Outcomes]int64, points []point, records []record, last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	records = append(r.trouble.after(number), r.done.after(number)...)
	return r.totals, r.history.since(now, steps), records, r.count
}

// A ring keeps the last ringSize records.
type ring struct {
	records [ringSize]record
	added   int
}

// next returns the oldest record, which is to become the newest.
func (r *ring) next() *record {
	r.added++
	return &r.records[(r.added-1)%ringSize]
}

// after returns the records after the one with the given number, the oldest first.
func (r *ring) after(number uint64) (records []record) {
	for i := max(0, r.added-ringSize); i < r.added; i++ {
		if kept := &r.records[i%ringSize]; kept.number > number {
			records = append(records, kept.clone())
		}
	}
	return records
}
