package consumer

import "strings"

// memorySize bounds what is remembered of settled messages: about a megabyte.
const memorySize = 10_000

// A verdict is what an earlier delivery found out about a message, when it
// could not be settled for good.
type verdict uint8

const (
	none    verdict = iota
	done            // its handler succeeded
	refused         // its handler said never to try again
)

// memory remembers verdicts, the newest memorySize of them. Its owner guards
// it.
type memory struct {
	verdicts map[string]verdict // by message id
	order    []string           // a ring of ids, the oldest at next once it is full
	next     int
}

func newMemory() *memory { return &memory{verdicts: make(map[string]verdict)} }

func (m *memory) add(id string, v verdict) {
	if _, known := m.verdicts[id]; known {
		m.verdicts[id] = v
		return
	}
	id = strings.Clone(id) // the SDK's strings hold on to a block of others
	m.verdicts[id] = v
	if len(m.order) < memorySize {
		m.order = append(m.order, id)
		return
	}
	delete(m.verdicts, m.order[m.next])
	m.order[m.next] = id
	m.next = (m.next + 1) % memorySize
}

func (m *memory) of(id string) verdict { return m.verdicts[id] }
