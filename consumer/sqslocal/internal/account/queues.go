package account

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// Create creates a queue. A queue that exists with the same attributes is no error.
func (a *Account) Create(name string, attributes map[string]string) error {
	fifo := strings.HasSuffix(name, ".fifo")
	if !queueName.MatchString(strings.TrimSuffix(name, ".fifo")) || len(name) > 80 {
		return sqserr.InvalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if fifo != (attributes["FifoQueue"] == "true") {
		return sqserr.InvalidValue("The name of a FIFO queue must end with .fifo, and only that of a FIFO queue can.")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if e, ok := a.queues[name]; ok {
		if attribute, ok := e.Settings().Differ(attributes); ok {
			return sqserr.QueueNameExists(attribute)
		}
		return nil
	}
	settings, err := a.settings(queue.DefaultSettings(fifo), attributes, fifo)
	if err != nil {
		return err
	}
	e := &entry{Queue: queue.New(name, settings, a.ids, time.Now())}
	e.waiters = newWaiters(func() { a.wakeDue(e) })
	a.queues[name] = e
	return nil
}

// SetAttributes changes attributes of a queue: all of them, or none if one is not valid.
func (a *Account) SetAttributes(name string, changes map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, err := a.find(name)
	if err != nil {
		return err
	}
	settings, err := a.settings(e.Settings(), changes, e.FIFO())
	if err != nil {
		return err
	}
	e.Configure(settings, time.Now())
	return nil
}

// settings returns settings after changes. A dead-letter queue must exist and be of the same type. The lock is held.
func (a *Account) settings(current queue.Settings, changes map[string]string, fifo bool) (queue.Settings, error) {
	settings, err := current.With(changes)
	if err != nil || settings.Redrive == nil {
		return settings, err
	}
	target := a.findARN(settings.Redrive.TargetARN)
	if target == nil {
		return settings, sqserr.RedrivePolicy(settings.Redrive.Policy, "Dead letter target does not exist")
	}
	if target.FIFO() != fifo {
		return settings, sqserr.RedrivePolicy(settings.Redrive.Policy, "Dead-letter queue must be same type of queue as the source")
	}
	return settings, nil
}

// Delete deletes a queue and its messages. Long polls of it end with an error.
func (a *Account) Delete(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, err := a.find(name)
	if err != nil {
		return err
	}
	delete(a.queues, name)
	e.deleted = true
	e.Purge()
	e.waiters.wakeAll()
	e.waiters.stopTimer()
	return nil
}

// Names returns the names of all queues that match, in order.
func (a *Account) Names(match func(q *queue.Queue) bool) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a.queues)), func(name string) bool { return !match(a.queues[name].Queue) })
}
