package route

import (
	"slices"

	"wildix-worker/events"
)

// A set is the destinations of a Router between two changes.
type set struct {
	router       *Router
	destinations []*destination
}

// named returns the destination with that name, or nil.
func (s *set) named(name string) *destination {
	for _, d := range s.destinations {
		if d.name == name {
			return d
		}
	}
	return nil
}

// choose finds the destinations that want the event.
func (p *progress) choose(from *set, e *events.Event) {
	var few [8]*part
	parts, room := few[:0], p.one[:]
	for i, d := range from.destinations {
		if len(room) == 0 { // for the others, in one piece
			room = make([]part, len(from.destinations)-i)
		}
		if p.fill(&room[0], d, e) {
			parts, room = append(parts, &room[0]), room[1:]
		}
	}
	p.keep(from, parts)
}

// fill makes a part for a destination, and reports whether that wants the event.
func (p *progress) fill(in *part, d *destination, e *events.Event) bool {
	fits, err := d.selects.fits(e)
	if !fits {
		return false
	}
	*in = part{progress: p, destination: d, redelivered: e.ReceiveCount > 1}
	if err != nil {
		in.outcome, in.setback = final, &setback{err: err}
	}
	return true
}

// keep keeps the parts that are of a set. It reports whether the delivery has ended.
func (p *progress) keep(of *set, parts []*part) (over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of, p.parts = of, nil
	for _, part := range slices.Backward(parts) {
		part.next, p.parts = p.parts, part
	}
	return p.over
}

// adopt has an event that was first dispatched with another set go on with this one. What it
// has succeeded at stays so, by name. Otherwise a changed destination gets it if it wants it.
// So do new ones if the event can't go on to one that was removed, which may have another
// name now.
func (p *progress) adopt(to *set, e *events.Event) {
	var parts []*part
	add := func(d *destination) {
		if added := new(part); p.fill(added, d, e) {
			parts = append(parts, added)
		}
	}
	removed := false
	for old := p.parts; old != nil; old = old.next {
		d := to.named(old.destination.name)
		if old.outcome == done || d == old.destination {
			parts = append(parts, old)
			continue
		}
		old.destination.withdraw(old, true)
		if d == nil {
			removed = true
			continue
		}
		add(d)
	}
	if removed {
		for _, d := range to.destinations {
			had := slices.ContainsFunc(parts, func(old *part) bool { return old.destination.name == d.name })
			if p.of.named(d.name) == nil && !had {
				add(d)
			}
		}
	}
	if p.keep(to, parts) {
		p.withdraw()
	}
}
