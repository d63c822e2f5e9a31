package settle

import (
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recentMessages is how many message ids a recent holds, in about two megabytes.
const recentMessages = 10_000

// A priorOutcome is the outcome of an earlier delivery of a message.
type priorOutcome uint8

const (
	unknown priorOutcome = iota
	done                 // handled: delete it
	refused              // failed for good: never handle it again
)

// recent holds the outcomes of the newest recentMessages messages. It is guarded by the
// Settler's lock.
type recent struct {
	cache *simplelru.LRU[string, priorOutcome] // by message id
}

func newRecent() recent {
	cache, err := simplelru.NewLRU[string, priorOutcome](recentMessages, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return recent{cache}
}

func (r recent) add(id string, o priorOutcome) {
	r.cache.Add(strings.Clone(id), o) // the SDK's string shares memory with a whole answer
}

// of returns the outcome of a message. It does not make the message newer.
func (r recent) of(id string) priorOutcome {
	o, _ := r.cache.Peek(id)
	return o
}
