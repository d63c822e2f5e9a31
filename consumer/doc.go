// Package consumer takes the signed call events of a Wildix PBX from an AWS
// SQS queue and hands them to a handler.
//
// A program makes a [Consumer] with [New] and calls [Consumer.Run], which
// consumes until its context ends and then drains:
//
//	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
//	...
//	mux := &events.Mux{}
//	mux.Handle("call:end", events.HandlerFunc(saveToCRM))
//
//	c, err := consumer.New(sqs.NewFromConfig(awsConfig), consumer.Config{
//		QueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events",
//		Keys:     keys,
//		Handler:  mux,
//		Logger:   logger,
//	})
//	...
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//	defer stop()
//	err = c.Run(ctx)
//
// # The way of a message
//
// A poller asks for as many messages as there are free workers, at most ten,
// and waits up to 20 s for the first. It verifies the signature over the raw body
// and decodes the event; a worker calls the handler. Then the message is settled
// by its outcome, one of six words of package events:
//
//   - handled, ignored, duplicate: deleted, up to ten in a call.
//   - failed: given back with a delay, which doubles with every receive from
//     about 5 s to at most 15 min, unless the error is an
//     [events.RetryAfter]. An [events.Permanent] error is left.
//   - rejected, malformed: left. The message is visible again when its lease
//     ends, and the queue's redrive policy moves it to the dead-letter queue
//     after enough receives. Without a redrive policy it comes back until
//     its retention ends. [Config].OnRejected has them sent to a quarantine
//     queue, or deleted, instead.
//
// # What is promised
//
// A message is deleted only after its handler returned nil. Delivery is at
// least once: a crash at any instant loses nothing, but may have an event
// handled twice, and so may a PBX that sends it again. Handlers that must not
// repeat themselves have to remember what they did; package
// [wildix-worker/events/once] does it for them.
//
// While a handler runs and while a delete waits, the message's lease is
// extended, up to SQS's twelve hours from the receive. When a lease is lost
// all the same, the handler's context is cancelled with [ErrLeaseLost] as its
// cause, and nothing is deleted with the stale receipt handle. A message that
// is received again while it is still in hand starts no second handler; its
// newer receipt handle is adopted. A message whose handler succeeded but whose
// delete was not confirmed is deleted, not handled, when it comes back; the
// newest 10,000 such messages are remembered. (This spares the handler and all
// that is around it messages that are settled. Package once knows events by
// what they say, in whatever message they come; a repeat is a duplicate to both.)
//
// When most messages fail, and with them at least five, receiving stops but for
// a single message. It stays in hand and is tried again every few seconds, four
// at most, for up to five minutes before another takes its place, until one
// succeeds. What was received meanwhile is given back with a delay. So an outage
// of what the handler depends on costs most messages a receive or two, and does
// not move the queue into the dead-letter queue. An [events.RetryAfter] without a
// cause does not count as a failure here, nor does an [events.Permanent].
//
// On a FIFO queue the messages of a group are handled in order, one at a time.
// When one fails, those received behind it are given back untouched; each time
// costs them a receive, which the queue's maxReceiveCount has to allow for. One
// that fails with [events.Permanent] is not waited for. On a standard queue,
// [Config].OrderByCall keeps the events of one call apart.
//
// # Limits
//
// A handler whose context has ended but which does not return keeps its worker
// and its message; nothing can make it return. Messages are in memory while they
// are handled and while they wait for one of their lane: Concurrency of them, and
// up to as many again, but at least 100, that wait. Measured with messages of
// 1 MiB, the most SQS takes, a process needs up to 5 MiB for each that is handled.
//
// # Permissions
//
// On the queue: sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:ChangeMessageVisibility. On the quarantine queue: sqs:SendMessage.
package consumer
