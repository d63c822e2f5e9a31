// Package newest remembers the newest of many keys, each for a time, in as little memory as
// that takes: 27 bytes a key, without pointers for the garbage collector to follow. A map takes
// four times as much, and a list of the least recently used seven times.
package newest

import (
	"hash/maphash"
	"math"
	"math/bits"
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
	ring    []Key    // in the order in which they were added
	ends    []uint32 // of each in the ring: seconds from started
	oldest  int      // in the ring, once it is full
	table   []uint32 // a hash table of entries; 0 is empty
	shift   int      // bits of an entry for the place in the ring; the others are of the key
}

// New returns a set that remembers at most limit keys, the newest.
func New(limit int) *Set {
	return &Set{started: time.Now(), limit: limit, shift: bits.Len(uint(limit))}
}

// Has reports whether a key was added, and its time has not passed.
func (s *Set) Has(k Key) bool {
	if len(s.ring) == 0 {
		return false
	}
	entry := s.table[s.find(k)]
	return entry != 0 && uint32(time.Since(s.started)/time.Second) < s.ends[s.place(entry)]
}

// Add remembers a key for a time from now on, to the next whole second. If there are as many as
// the limit, the oldest is forgotten. A key that is remembered keeps its age.
func (s *Set) Add(k Key, keep time.Duration) {
	ends := uint32(max(0, min(math.MaxUint32, (time.Since(s.started)+keep+time.Second-1)/time.Second)))
	if len(s.ring) < s.limit {
		s.grow()
	}
	slot := s.find(k)
	switch entry := s.table[slot]; {
	case entry != 0:
		s.ends[s.place(entry)] = ends
	case len(s.ring) < s.limit:
		s.table[slot] = s.entry(k, len(s.ring))
		s.ring, s.ends = append(s.ring, k), append(s.ends, ends)
	default:
		s.empty(s.find(s.ring[s.oldest]))
		s.ring[s.oldest], s.ends[s.oldest] = k, ends
		s.table[s.find(k)] = s.entry(k, s.oldest) // emptying may have moved the slot
		s.oldest = (s.oldest + 1) % s.limit
	}
}

// entry returns what the table has for a key: bits of the key, by which most others are told from
// it without a look at the ring, and 1 + its place there.
func (s *Set) entry(k Key, place int) uint32 { return s.mark(k)<<s.shift | uint32(place+1) }

func (s *Set) mark(k Key) uint32 { return uint32(k[1] >> (32 + s.shift)) }

func (s *Set) place(entry uint32) int { return int(entry&(1<<s.shift-1)) - 1 }

// find returns the slot of a key in the table, or the empty one where it belongs.
func (s *Set) find(k Key) int {
	for slot := s.home(k); ; slot = s.after(slot) {
		entry := s.table[slot]
		if entry == 0 || entry>>s.shift == s.mark(k) && s.ring[s.place(entry)] == k {
			return slot
		}
	}
}

// home is the first slot that a key may have.
func (s *Set) home(k Key) int {
	home, _ := bits.Mul64(k[0], uint64(len(s.table)))
	return int(home)
}

func (s *Set) after(slot int) int {
	if slot++; slot < len(s.table) {
		return slot
	}
	return 0
}

// empty empties a slot. Keys that another one has pushed out of their home move back, so that
// find meets no gap before them.
func (s *Set) empty(gap int) {
	for slot := s.after(gap); s.table[slot] != 0; slot = s.after(slot) {
		home := s.home(s.ring[s.place(s.table[slot])])
		if s.distance(home, slot) >= s.distance(gap, slot) {
			s.table[gap], gap = s.table[slot], slot
		}
	}
	s.table[gap] = 0
}

// distance returns how far it is from one slot to another that comes after it.
func (s *Set) distance(from, to int) int {
	if from <= to {
		return to - from
	}
	return to - from + len(s.table)
}

// minRoom is the number of keys that the first ring has room for.
const minRoom = 32

// grow makes room for one more key, but never for more than the limit. Two fifths of the table
// stay empty, so that searches are short.
func (s *Set) grow() {
	n := len(s.ring)
	if n < cap(s.ring) {
		return
	}
	room := min(s.limit, max(2*n, minRoom))
	s.ring = append(make([]Key, 0, room), s.ring...)
	s.ends = append(make([]uint32, 0, room), s.ends...)
	s.table = make([]uint32, room*5/3+1)
	for place, k := range s.ring {
		s.table[s.find(k)] = s.entry(k, place)
	}
}
