package forward

import (
	"net/http"
	"sync/atomic"
)

// classes are the keys of [Handler.Responses].
var classes = [...]string{"none", "2xx", "3xx", "4xx", "5xx"}

// responseCounts counts requests by the index of their class.
type responseCounts [len(classes)]atomic.Uint64

// add counts a request. resp is nil if there was no response.
func (c *responseCounts) add(resp *http.Response) {
	class := 0
	if resp != nil {
		class = min(resp.StatusCode/100, len(classes)) - 1
	}
	c[class].Add(1)
}

// byClass returns the counts, with a key for each class.
func (c *responseCounts) byClass() map[string]uint64 {
	counts := make(map[string]uint64, len(classes))
	for i, class := range classes {
		counts[class] = c[i].Load()
	}
	return counts
}
