package consumer

import "sync"

// lateReturns are the messages that are returned untouched while the consumer stops. They wait
// until the last poll has been answered: until then, each poll that is under way could receive
// such a message again, which would cost it a receive each time.
type lateReturns struct {
	mu       sync.Mutex
	waiting  bool
	messages []*message
}

// wait has messages wait from now on.
func (l *lateReturns) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = true
}

// add reports whether the message waits.
func (l *lateReturns) add(m *message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting {
		l.messages = append(l.messages, m)
	}
	return l.waiting
}

// end ends the wait, and returns the messages.
func (l *lateReturns) end() []*message {
	l.mu.Lock()
	defer l.mu.Unlock()
	messages := l.messages
	l.messages, l.waiting = nil, false
	return messages
}
