// Package newest remembers the newest of many keys, each for a time, in as little memory as
// that takes: 35 bytes a key, without pointers for the garbage collector to follow. A map takes
// three times as much, and a list of the least recently used five times.
package newest

import (
	"hash/maphash"
	"time"
)

// A Key stands for a value of any length. It is a hash of 128 bits, so that no two values that
// anyone meets have the same. It means something only in the process that has made it.
type Key [2]uint64

// seeds make the two halves of a Key.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// KeyOf returns the key of a value, such as a struct of strings.
func KeyOf[T comparable](v T) Key {
	return Key{maphash.Comparable(seeds[0], v), maphash.Comparable(seeds[1], v)}
}

// KeyOfBytes returns the key of a text, in a fraction of the time of SHA-256.
func KeyOfBytes(text []byte) Key {
	return Key{maphash.Bytes(seeds[0], text), maphash.Bytes(seeds[1], text)}
}

// A Set remembers keys. It is not safe for concurrent use. Its memory grows with the number of
// keys, up to the limit.
type Set struct {
	started time.Time // times are counted from here, so that a change of the clock has no effect
	limit   int
	ring    []remembered // in the order in which they were added
	oldest  int          // in the ring, once it is full
	places  []uint32     // a hash table: 0 is empty, other numbers are 1 + the place in the ring
}

type remembered struct {
	key  Key
	ends time.Duration
}

// New returns a set that remembers at most limit keys, the newest.
func New(limit int) *Set { return &Set{started: time.Now(), limit: limit} }

// Has reports whether a key was added, and its time has not passed.
func (s *Set) Has(k Key) bool {
	if len(s.ring) == 0 {
		return false
	}
	place := s.places[s.find(k)]
	return place != 0 && time.Since(s.started) < s.ring[place-1].ends
}

// Add remembers a key for a time from now on. If there are as many as the limit, the oldest is
// forgotten. A key that is remembered keeps its age.
func (s *Set) Add(k Key, keep time.Duration) {
	added := remembered{k, time.Since(s.started) + keep}
	if len(s.ring) < s.limit {
		s.grow()
	}
	slot := s.find(k)
	switch place := s.places[slot]; {
	case place != 0:
		s.ring[place-1] = added
	case len(s.ring) < s.limit:
		s.ring = append(s.ring, added)
		s.places[slot] = uint32(len(s.ring))
	default:
		s.empty(s.find(s.ring[s.oldest].key))
		s.ring[s.oldest] = added
		s.places[s.find(k)] = uint32(s.oldest + 1) // emptying may have moved the slot
		s.oldest = (s.oldest + 1) % s.limit
	}
}

// find returns the slot of a key in the table, or the empty one where it belongs.
func (s *Set) find(k Key) int {
	for slot := s.home(k); ; slot = s.after(slot) {
		if place := s.places[slot]; place == 0 || s.ring[place-1].key == k {
			return slot
		}
	}
}

// home is the first slot that a key may have. The table's length is a power of two.
func (s *Set) home(k Key) int { return int(k[0]) & (len(s.places) - 1) }

func (s *Set) after(slot int) int { return (slot + 1) & (len(s.places) - 1) }

// empty empties a slot. Keys that another one has pushed out of their home move back, so that
// find meets no gap before them.
func (s *Set) empty(gap int) {
	for slot := s.after(gap); s.places[slot] != 0; slot = s.after(slot) {
		home := s.home(s.ring[s.places[slot]-1].key)
		if s.distance(home, slot) >= s.distance(gap, slot) {
			s.places[gap], gap = s.places[slot], slot
		}
	}
	s.places[gap] = 0
}

// distance returns how far it is from one slot to another that comes after it.
func (s *Set) distance(from, to int) int { return (to - from) & (len(s.places) - 1) }

// minPlaces is the length of the first table.
const minPlaces = 64

// grow makes room for one more key. At most half of the table is used, so that searches are
// short. The ring never has more room than the limit.
func (s *Set) grow() {
	if len(s.ring) == cap(s.ring) {
		ring := make([]remembered, len(s.ring), min(s.limit, max(2*len(s.ring), minPlaces/2)))
		copy(ring, s.ring)
		s.ring = ring
	}
	if 2*len(s.ring) < len(s.places) {
		return
	}
	s.places = make([]uint32, max(2*len(s.places), minPlaces))
	for i := range s.ring {
		s.places[s.find(s.ring[i].key)] = uint32(i + 1)
	}
}
