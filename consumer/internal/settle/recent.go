package settle

import (
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recentMessages is how many message ids a recent holds, in about two megabytes.
const recentMessages = 10_000

// A fate is what an earlier delivery of a message came to.
type fate uint8

const (
	unknown fate = iota
	done         // it is to be deleted
	refused      // it is never to be handled again
)

// recent holds the fates of the newest recentMessages messages. It is guarded by the
// Settler's lock.
type recent struct {
	cache *simplelru.LRU[string, fate] // by message id
}

func newRecent() recent {
	cache, err := simplelru.NewLRU[string, fate](recentMessages, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return recent{cache}
}

func (r recent) add(id string, f fate) {
	r.cache.Add(strings.Clone(id), f) // the SDK's string shares memory with a whole answer
}

// of returns the fate of a message. It does not make the message newer.
func (r recent) of(id string) fate {
	f, _ := r.cache.Peek(id)
	return f
}
