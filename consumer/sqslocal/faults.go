package sqslocal

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
)

// faults holds the injected faults and counts requests. It is safe for concurrent use.
type faults struct {
	mu     sync.Mutex
	active []*activeFault // in the order they were injected
	calls  map[string]int // requests by action, and all of them under ""
	random *rand.Rand
}

// activeFault is an injected fault.
type activeFault struct {
	Fault
	requests int // that the fault affected
}

func newFaults(seed uint64) *faults {
	return &faults{calls: make(map[string]int), random: rand.New(rand.NewPCG(seed, 0))}
}

func (fs *faults) inject(f Fault) (remove func()) {
	active := &activeFault{Fault: f}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.active = append(fs.active, active)
	return func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.remove(active)
	}
}

func (fs *faults) remove(f *activeFault) {
	fs.active = slices.DeleteFunc(fs.active, func(other *activeFault) bool { return other == f })
}

func (fs *faults) count(action string) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.calls[action]
}

// draw counts a request and returns its fault. The action is "" if it is unknown.
func (fs *faults) draw(action string, body []byte) drawnFault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.calls[""]++
	if action != "" {
		fs.calls[action]++
	}
	if len(fs.active) == 0 {
		return drawnFault{}
	}
	var in struct{ QueueUrl, QueueName string }
	_ = json.Unmarshal(body, &in) // a body that is not valid names no queue
	queue := lastPart(in.QueueUrl + in.QueueName)
	for _, f := range fs.active {
		if f.selects(action, queue) && (f.Chance == 0 || fs.random.Float64() < f.Chance) {
			return fs.apply(f)
		}
	}
	return drawnFault{}
}

func (f *activeFault) selects(action, queue string) bool {
	return (f.Action == "" || f.Action == action) && (f.Queue == "" || f.Queue == queue)
}

// apply returns a fault for one request, and removes it after the last.
func (fs *faults) apply(f *activeFault) drawnFault {
	if f.requests++; f.requests == f.Count {
		fs.remove(f)
	}
	drawn := drawnFault{Fault: f.Fault}
	if f.EntryChance > 0 {
		for i := range drawn.failed {
			drawn.failed[i] = fs.random.Float64() < f.EntryChance
		}
	}
	return drawn
}
