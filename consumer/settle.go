package consumer

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/backoff"
)

// settle settles a message by its outcome, and counts, traces, observes and logs its
// Result.
func (c *Consumer) settle(m *message, o outcome) {
	if o.untouched {
		c.settler.Return(m.lease, o.delay)
		return
	}
	r := o.Result
	r.MessageID, r.ReceiveCount, r.SentAt = m.id, m.receiveCount, m.sentAt
	delay := c.settleBy(m, r)
	c.counts[r.Outcome].Add(1)
	c.endSpan(m, r)
	c.cfg.Observe(r)
	if delay > 0 {
		r.Log(c.cfg.Logger, zap.Duration("retryIn", delay))
	} else {
		r.Log(c.cfg.Logger)
	}
}

// settleBy settles a message by its Result. If the message is returned to the queue, it
// returns the delay.
func (c *Consumer) settleBy(m *message, r Result) (delay time.Duration) {
	switch {
	case r.Outcome.Done():
		c.settler.Delete(m.lease)
	case r.Outcome != events.Failed:
		c.settleRejected(m)
	case events.IsPermanent(r.Err):
		c.settler.Refuse(m.lease)
	default:
		if !errors.Is(r.Err, ErrStopping) {
			delay = retryDelay(m.receiveCount, r.Err)
		}
		c.settler.Return(m.lease, delay)
	}
	return delay
}

// settleRejected settles a rejected or malformed message.
func (c *Consumer) settleRejected(m *message) {
	switch c.cfg.OnRejected {
	case Quarantine:
		c.settler.Quarantine(m.lease, settle.Copy{
			Body: m.body, Signature: m.signature, Outcome: m.decoded.Outcome.String(), Reason: m.decoded.Err.Error(),
		})
	case Delete:
		c.settler.Delete(m.lease)
	default:
		c.settler.Leave(m.lease)
	}
}

// retryBackoff is the delay of a failed message by its receive count.
var retryBackoff = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

// retryDelay returns the delay of a failed message. It has jitter, so that messages that
// failed together are not delivered again together. A delay that the handler asks for
// takes precedence.
func retryDelay(receiveCount int, err error) time.Duration {
	if d, ok := events.RetryDelay(err); ok {
		return d
	}
	return retryBackoff.EqualJitter(receiveCount)
}
