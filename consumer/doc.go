// Package consumer receives the signed call events of a Wildix PBX from an AWS SQS
// queue and calls a handler for each.
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
// # The path of a message
//
// A poller receives as many messages as there are free workers, at most ten, and
// waits up to 20 s for the first. It verifies each signature over the raw body and
// decodes the event. A worker calls the handler. Then the message is settled by its
// outcome, one of six words of package events:
//
//   - handled, ignored, duplicate: it is deleted, with up to nine others in one call.
//   - failed: it is returned to the queue with a delay, which doubles with every
//     receive from about 5 s to at most 15 min. An [events.RetryAfter] chooses another
//     delay. A message with an [events.Permanent] error is left.
//   - rejected, malformed: it is left. It becomes visible when its lease ends, and
//     after enough receives the queue's redrive policy moves it to the dead-letter
//     queue. Without a redrive policy it is received again until its retention ends.
//     With [Config].OnRejected it is sent to a quarantine queue or deleted instead.
//
// # Promises
//
// A message is deleted only after its handler returned nil. Delivery is at least
// once: a crash at any instant loses nothing, but an event may be handled twice, also
// when the PBX sends it twice. Package [wildix-worker/events/once] is for handlers
// that must not have their effect twice.
//
// While a handler runs and while a delete waits, the message's lease is extended, up
// to SQS's twelve hours from the receive. When a lease is lost, the handler's context
// is cancelled with the cause [ErrLeaseLost], and nothing is deleted with the stale
// receipt handle. A message that is received again while it is in hand is not handled
// twice at once; its newer receipt handle is adopted. A message that was handled, but
// whose delete was not confirmed, is deleted and not handled when it is received again.
// The consumer remembers the newest 10,000 such messages, by message id. Package once
// knows an event by its content, in whatever message it is received. Both call a
// repeat a duplicate.
//
// When most messages fail, and at least five, only a single message is received. It
// stays in hand and is tried again at least every four seconds until a try succeeds;
// after five minutes another message takes its place. Messages that were received in
// the meantime are returned with a delay. So an outage of what the handler depends on
// costs most messages a receive or two, and does not move them to the dead-letter
// queue. An [events.RetryAfter] without a cause and an [events.Permanent] do not count
// as failures here.
//
// The messages of a FIFO group are handled in order, one at a time. When one fails,
// those that were received behind it are returned. Each time costs them a receive, so
// the queue's maxReceiveCount has to be high enough. They do not wait for a message
// that fails with [events.Permanent]. On a standard queue, [Config].OrderByCall handles
// the events of one call one at a time.
//
// # Limits
//
// A handler that does not return when its context ends keeps its worker and its
// message. Go has no way to stop it. Messages are in memory while they are handled or
// wait for another one of their group or call: up to Concurrency are handled and as
// many, but at least 100, may wait. With messages of 1 MiB, the largest that SQS takes,
// a process was measured to need up to 5 MiB for each message that is handled.
//
// # Permissions
//
// On the queue: sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:ChangeMessageVisibility. On the quarantine queue: sqs:SendMessage.
package consumer
