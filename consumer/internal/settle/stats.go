package settle

// Stats are totals since the start, and the current number of unsettled messages.
type Stats struct {
	Deleted, Returned, Quarantined, Left int // messages
	Extended, Lost                       int // leases
	DeletesFailed                        int // failed deletes of messages; each is tried again
	Unsettled                            int // messages received and not settled
	// Requests counts the batch calls by operation: extend, return, quarantine, delete.
	Requests map[string]Requests
}

// Stats returns the current figures.
func (s *Settler) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{
		Deleted: s.counts.deleted, Returned: s.counts.returned, Quarantined: s.counts.quarantined, Left: s.counts.left,
		Extended: s.counts.extended, Lost: s.counts.lost, DeletesFailed: s.counts.deletesFailed,
		Unsettled: len(s.leases), Requests: make(map[string]Requests, operations),
	}
	for op := range s.health {
		stats.Requests[operation(op).String()] = s.health[op].requests
	}
	return stats
}
