package sqslocal

import (
	"slices"
	"time"
)

type receiveMessageInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	MessageAttributeNames       []string
	MessageSystemAttributeNames []string
	AttributeNames              []string // the older name of MessageSystemAttributeNames
}

// received is a message as a receive answers with it.
type received struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string `json:",omitempty"`
	MD5OfMessageAttributes string            `json:",omitempty"`
	MessageAttributes      messageAttributes `json:",omitempty"`
}

type receiveMessageOutput struct {
	Messages []received `json:",omitempty"`
}

func (s *Server) receiveMessage(r *request, in *receiveMessageInput) (*receiveMessageOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	limit, wait, visibility := in.resolve(q)
	messages, err := q.poll(r.ctx, limit, wait, visibility)
	if err != nil {
		return nil, err
	}
	if r.fault.Duplicate && !q.fifo {
		q.repeat(messages)
	}
	out := &receiveMessageOutput{Messages: make([]received, len(messages))}
	for i, m := range messages {
		out.Messages[i] = in.render(q, m)
	}
	return out, nil
}

func (in *receiveMessageInput) check() error {
	for _, p := range []struct {
		name     string
		value    *int
		min, max int
	}{
		{"MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10},
		{"VisibilityTimeout", in.VisibilityTimeout, 0, 43200},
		{"WaitTimeSeconds", in.WaitTimeSeconds, 0, 20},
	} {
		if p.value != nil && (*p.value < p.min || *p.value > p.max) {
			return errInvalidValue("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", *p.value, p.name, p.min, p.max)
		}
	}
	return nil
}

// resolve fills in from the queue what the request leaves open.
func (in *receiveMessageInput) resolve(q *queue) (limit int, wait, visibility time.Duration) {
	limit, wait, visibility = 1, q.settings.wait, q.settings.visibility
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	if in.WaitTimeSeconds != nil {
		wait = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	return limit, wait, visibility
}

// repeat lines up messages that are in flight already, to be received once more with another handle.
func (q *queue) repeat(messages []*message) {
	for _, m := range messages {
		if !m.visible() {
			q.line.add(m)
		}
	}
	q.wake(time.Now())
}

func (in *receiveMessageInput) render(q *queue, m *message) received {
	chosen := m.attributes.choose(in.MessageAttributeNames)
	return received{
		MessageId:              m.id,
		ReceiptHandle:          receipt{q.number, m.number, uint64(m.receives)}.handle(),
		MD5OfBody:              m.bodyMD5,
		Body:                   m.body,
		Attributes:             in.systemAttributes(m),
		MD5OfMessageAttributes: chosen.md5(),
		MessageAttributes:      chosen,
	}
}

// systemAttributes returns those the receive asks for and the message has.
func (in *receiveMessageInput) systemAttributes(m *message) map[string]string {
	wanted := slices.Concat(in.MessageSystemAttributeNames, in.AttributeNames)
	if len(wanted) == 0 {
		return nil
	}
	if slices.Contains(wanted, "All") {
		wanted = systemAttributeNames
	}
	chosen := make(map[string]string, len(wanted))
	for _, name := range wanted {
		if value := m.systemAttribute(name); value != "" {
			chosen[name] = value
		}
	}
	return chosen
}
