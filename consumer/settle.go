package consumer

import (
	"context"
	"errors"
	"path"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/backoff"
)

// settle settles a message by its outcome, and counts, traces, observes and logs its
// Result.
func (c *Consumer) settle(m *message, o outcome) {
	m.endDelivery()
	if o.untouched {
		if o.delay > 0 || !c.late.add(m) {
			c.settler.Return(&m.lease, o.delay)
		}
		return
	}
	r := o.Result
	r.MessageID, r.ReceiveCount, r.SentAt = c.settler.MessageID(&m.lease), int(m.receiveCount), timeOf(m.sentAt)
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
		c.settler.Delete(&m.lease)
	case r.Outcome != events.Failed:
		c.settleRejected(m)
	case events.IsPermanent(r.Err):
		c.settler.Refuse(&m.lease, hopelessDelay(m))
	default:
		if !errors.Is(r.Err, ErrStopping) {
			delay = retryDelay(int(m.receiveCount), r.Err)
		}
		c.settler.Return(&m.lease, delay)
	}
	return delay
}

// settleRejected settles a rejected or malformed message.
func (c *Consumer) settleRejected(m *message) {
	switch c.cfg.OnRejected {
	case Quarantine:
		c.settler.Quarantine(&m.lease, settle.Copy{
			Body: m.body, Signature: m.signatureAttribute(), Outcome: m.work().Outcome.String(), Reason: m.work().Err.Error(),
		})
	case Delete:
		c.settler.Delete(&m.lease)
	default:
		c.leave(m)
	}
}

// retryBackoff is the delay of a failed message by its receive count.
var retryBackoff = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

// retryDelay returns the delay of a failed message. It has jitter, so that messages that
// failed together are not delivered again together. A delay that the handler asks for
// takes precedence.
func retryDelay(receiveCount int, err error) time.Duration {
	if events.IsHold(err) {
		return heldBackoff.EqualJitter(receiveCount)
	}
	if d, ok := events.RetryDelay(err); ok {
		return d
	}
	return retryBackoff.EqualJitter(receiveCount)
}

// An outcome decides how a message is settled.
type outcome struct {
	Result
	// untouched: the message is returned after the delay without a call of its
	// handler. It has no Result.
	untouched bool
	delay     time.Duration
}

// untouched returns the outcome of a message that is returned without a Result.
func untouched(delay time.Duration) outcome { return outcome{untouched: true, delay: delay} }

// decided returns the outcome of a message that has a Result.
func decided(r Result) outcome { return outcome{Result: r} }

// returned reports whether the message is delivered again soon. One that fails
// permanently is not, and no other message waits for it.
func (o outcome) returned() bool {
	return o.untouched || o.Outcome == events.Failed && !events.IsPermanent(o.Err)
}

var (
	// errRefused stands for the permanent error of an earlier delivery.
	errRefused = events.Permanent(errors.New("refused for good by an earlier delivery"))
	errGoexit  = errors.New("handler ended its goroutine")
)

// startSpan returns the span of a message, or nil without a tracer. The span starts a new
// trace, since the PBX sends no trace context and Run's context belongs to no message.
func (c *Consumer) startSpan() trace.Span {
	if c.cfg.Tracer == nil {
		return nil
	}
	queue := path.Base(queuePath(c.cfg.QueueURL))
	_, span := c.cfg.Tracer.Start(context.Background(), "process "+queue, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("messaging.system", "aws_sqs"), attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", queue)))
	return span
}

// endSpan ends the span of a message, if there is a tracer. A message that was settled by
// an earlier delivery gets its span only here.
func (c *Consumer) endSpan(m *message, r Result) {
	if m.work().span == nil {
		m.work().span = c.startSpan()
	}
	if m.work().span != nil {
		r.Trace(m.work().span)
	}
}

// A message is hopeless if no other try can handle it: it is rejected, malformed or failed
// permanently. It is left to the dead-letter queue.
//
// On a FIFO queue, SQS delivers no other message of a group while one is in flight. So a
// hopeless one is returned at once there, and reaches the dead-letter queue after as many
// quick receives as the redrive policy says. Its group continues meanwhile, since SQS
// delivers up to nine others with it. If none that can be handled came with it, it is
// returned with a growing delay: without a redrive policy it would be received in a loop.

// quickReceives is how often a hopeless message is returned without a delay, whatever came
// with it. It is SQS's default of maxReceiveCount. A rejected message has none, so that
// there is time to correct the keys.
const quickReceives = 10

// hopelessBackoff is the delay after quickReceives. Its maximum is the time of a long poll,
// so a hopeless message costs little more than an empty queue.
var hopelessBackoff = backoff.Exponential{Min: time.Second, Max: 20 * time.Second}

// hopelessDelay returns the delay of a hopeless message of a FIFO group.
func hopelessDelay(m *message) time.Duration {
	receives := int(m.receiveCount)
	if m.work().Outcome != events.Rejected {
		receives -= quickReceives
	}
	if m.followed || receives <= 0 {
		return 0
	}
	return hopelessBackoff.EqualJitter(receives)
}

// leave settles a rejected or malformed message that is neither deleted nor quarantined.
func (c *Consumer) leave(m *message) {
	if !m.grouped {
		c.settler.Leave(&m.lease)
		return
	}
	c.settler.ReturnAtOnce(&m.lease, hopelessDelay(m))
}

// markFollowed marks the messages of one receive that came with a message of their FIFO
// group that can be handled.
func markFollowed(received, canBeHandled []*message) {
	for _, m := range received {
		m.followed = m.grouped && slices.ContainsFunc(canBeHandled, func(other *message) bool {
			return other != m && other.key() == m.key() && other.needsHandler()
		})
	}
}
