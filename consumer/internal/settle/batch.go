package settle

import (
	"time"

	"wildix-worker/internal/sqscall"
)

// A batch is one call for up to ten messages. It copies what the call needs, since a
// message may get a newer receipt handle while the call runs.
type batch struct {
	operation operation
	leases    []*Lease
	handles   []string
	timeouts  []int32 // new visibility timeouts in seconds, for opExtend and opReturn
	copies    []*Copy // for opQuarantine
	size      int     // of the copies
}

// fits reports whether the batch has room for the message.
func (b *batch) fits(l *Lease) bool {
	if b.operation == opQuarantine && len(b.leases) > 0 && b.size+l.copy.size(l.id) > sqscall.MaxSize {
		return false
	}
	return len(b.leases) < sqscall.MaxBatch
}

// add adds a message to the batch.
func (b *batch) add(l *Lease, now time.Time) {
	switch b.operation {
	case opReturn:
		b.timeouts = append(b.timeouts, l.returnTimeout(now))
	case opQuarantine:
		b.copies = append(b.copies, l.copy)
		b.size += l.copy.size(l.id)
	}
	b.addLease(l)
}

// addExtension adds a message to a batch that extends leases.
func (b *batch) addExtension(l *Lease, timeout time.Duration) {
	b.timeouts = append(b.timeouts, seconds(timeout))
	b.addLease(l)
}

func (b *batch) addLease(l *Lease) {
	l.inCall = true
	b.leases = append(b.leases, l)
	b.handles = append(b.handles, l.handle)
}
