package sqslocal

import "time"

type deleteMessageInput struct {
	QueueUrl      string
	ReceiptHandle string
}

func (s *Server) deleteMessage(_ *request, in *deleteMessageInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	now := time.Now()
	defer q.wake(now) // the next of a FIFO group may be free
	return empty{}, q.delete(in.ReceiptHandle, now)
}

type deleteMessageBatchInput struct {
	QueueUrl string
	Entries  []deleteEntry
}

type deleteEntry struct{ Id, ReceiptHandle string }

func (e deleteEntry) id() string { return e.Id }

type idOnly struct{ Id string }

func (s *Server) deleteMessageBatch(r *request, in *deleteMessageBatchInput) (*batchResult[idOnly], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	defer q.wake(now)
	return runBatch(r, in.Entries, func(e deleteEntry) (idOnly, error) {
		return idOnly{e.Id}, q.delete(e.ReceiptHandle, now)
	})
}

type changeVisibilityInput struct {
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (s *Server) changeMessageVisibility(_ *request, in *changeVisibilityInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	now := time.Now()
	defer q.wake(now)
	return empty{}, q.change(in.ReceiptHandle, in.VisibilityTimeout, now)
}

type changeVisibilityBatchInput struct {
	QueueUrl string
	Entries  []changeEntry
}

type changeEntry struct {
	Id, ReceiptHandle string
	VisibilityTimeout *int
}

func (e changeEntry) id() string { return e.Id }

func (s *Server) changeMessageVisibilityBatch(r *request, in *changeVisibilityBatchInput) (*batchResult[idOnly], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	defer q.wake(now)
	return runBatch(r, in.Entries, func(e changeEntry) (idOnly, error) {
		return idOnly{e.Id}, q.change(e.ReceiptHandle, e.VisibilityTimeout, now)
	})
}

// find returns the message of a receipt handle and whether the handle is that of its latest receive. The message is nil if it is
// gone; the error is for a handle that this queue never gave out.
func (q *queue) find(handle string) (m *message, current bool, err error) {
	if handle == "" {
		return nil, false, errMissing("ReceiptHandle")
	}
	r, err := parseReceipt(handle)
	if err != nil {
		return nil, false, err
	}
	if r.queue != q.number {
		return nil, false, errHandleInvalid
	}
	m = q.messages[r.message]
	return m, m != nil && uint64(m.receives) == r.receive, nil
}

// delete removes the message of a receipt handle; see the package comment for what old handles do.
func (q *queue) delete(handle string, now time.Time) error {
	q.show(now)
	m, current, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case m == nil:
		return nil
	case q.fifo && !(current && m.hidden()):
		return errHandle(handle, "The receipt handle has expired")
	case current:
		q.remove(m)
	}
	return nil
}

// change hides the message of a receipt handle for so many seconds from now.
func (q *queue) change(handle string, seconds *int, now time.Time) error {
	if seconds == nil {
		return errMissing("VisibilityTimeout")
	}
	if *seconds < 0 || *seconds > 43200 {
		return errInvalidValue("Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.", *seconds)
	}
	q.show(now)
	m, current, err := q.find(handle)
	if err != nil {
		return err
	}
	if !current {
		return errHandle(handle, "Message does not exist or is not available for visibility timeout change")
	}
	if !m.hidden() {
		return errNotInflight
	}
	visibility := time.Duration(*seconds) * time.Second
	if now.Add(visibility).After(m.lastReceived.Add(maxVisibility)) {
		return errInvalidValue("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", *seconds)
	}
	q.hide(m, now, visibility)
	return nil
}
