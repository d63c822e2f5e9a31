package queue

import (
	"fmt"
	"math/rand/v2"
)

// IDs generates the numbers and ids of the queues and messages of one account. It is not safe for concurrent use.
type IDs struct {
	random *rand.Rand
	last   uint64
}

// NewIDs returns a source of ids that depend on the seed alone.
func NewIDs(seed uint64) *IDs { return &IDs{random: rand.New(rand.NewPCG(seed, 1))} }

// Number returns a number that is greater than all before it.
func (i *IDs) Number() uint64 {
	i.last++
	return i.last
}

// UUID returns a random UUID.
func (i *IDs) UUID() string {
	hi, lo := i.random.Uint64(), i.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xfff, 0x8000|lo>>48&0x3fff, lo&0xffffffffffff)
}
