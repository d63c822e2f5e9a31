package settle

import "time"

// checkLeases records leases that have ended as lost. It returns a batch of up to ten
// leases to extend, including those that are due soon, or nil.
func (s *Settler) checkLeases(now time.Time) *batch {
	b := &batch{operation: opExtend}
	s.checkAt = now.Add(s.visibility / 4)
	soon := now.Add(s.visibility / 8)
	openAt := s.health[opExtend].openAt(now)
	for _, l := range s.leases {
		switch {
		case l.lost:
		case l.inCall:
			s.awaitAnswer(l, now)
		case !now.Before(l.ends):
			s.lose(l)
		case l.state == returning || l.state == quarantining:
			s.checkBy(l.ends)
		case l.extendAt.After(soon):
			s.checkBy(earlier(l.extendAt, l.ends))
		case now.Before(openAt):
			s.checkBy(earlier(openAt, l.ends))
		case !b.fits(l):
			s.checkAt = now // with another batch
		default:
			s.extend(b, l, now)
		}
	}
	if len(b.leases) == 0 {
		return nil
	}
	return b
}

// extend adds a lease to the batch, to be extended as far as SQS allows. A lease that
// can't be extended further is left to end.
func (s *Settler) extend(b *batch, l *Lease, now time.Time) {
	timeout := min(s.visibility, l.latest().Sub(now)).Truncate(time.Second)
	if !now.Add(timeout - s.margin).After(l.ends) {
		l.extendAt = l.ends
		s.checkBy(l.ends)
		return
	}
	b.addExtension(l, timeout)
	s.awaitAnswer(l, now)
}

// awaitAnswer leaves the lease unchanged until its call is answered: the answer shows
// whether it was extended or lost. If the lease ends first, its handler is cancelled,
// since no handler may run without a lease.
func (s *Settler) awaitAnswer(l *Lease, now time.Time) {
	if now.Before(l.ends) {
		s.checkBy(l.ends)
	} else if l.cancel != nil {
		l.cancel()
	}
}

// callTimeout limits one call, so that a second one fits into a lease.
func (s *Settler) callTimeout() time.Duration { return min(10*time.Second, s.visibility/4) }

// maxPause is the longest pause between calls that fail.
func (s *Settler) maxPause() time.Duration { return s.visibility / 8 }
