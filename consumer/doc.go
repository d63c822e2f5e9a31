// Package consumer receives the signed call events of a Wildix PBX from an AWS SQS
// queue and calls a handler for each.
//
// A program creates a [Consumer] with [New] and calls [Consumer.Run], which consumes
// until its context ends and then drains:
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
// A message is deleted only after its handler returned nil. Delivery is at least once: a
// crash at any instant loses nothing, but an event may be handled twice, and is when the
// PBX sends it twice. Package [wildix-worker/events/once] is for handlers that must not
// have their effect twice.
//
// While a handler runs and while a delete waits, the message's lease is extended, up
// to SQS's twelve hours from the receive. When a lease is lost, the handler's context
// is cancelled with the cause [ErrLeaseLost], and nothing is deleted with the stale
// receipt handle. If a message is received again before it is settled, no second handler
// is called; the newer receipt handle is adopted. If a message was handled but its delete
// was not confirmed, it is deleted without a call of the handler when it is received
// again. The consumer remembers the newest 10,000 such messages, by message id. Package
// once recognizes an event by its content, whatever message contains it. Both call a
// repeat a duplicate.
//
// When at least five messages fail, and more than half of the latest, only a single
// message is received. Its lease is extended while it is tried again, at least every four
// seconds, until a try succeeds; after five minutes another message takes its place.
// Messages that were already received are returned with a delay. So an outage of what
// the handler depends on costs most messages a receive or two, and does not move them to
// the dead-letter queue. An [events.RetryAfter] without a cause and an [events.Permanent]
// do not count as failures here.
//
// The messages of a FIFO group are handled in order, one at a time. When one fails, the
// later ones that were already received are returned. Each return costs them a receive,
// so the queue's maxReceiveCount must be high enough. They do not wait for a message that
// fails with [events.Permanent]. On a standard queue, [Config].OrderByCall handles the
// events of one call one at a time.
//
// # Limits
//
// A handler that does not return when its context ends keeps its worker and its message:
// Go can't stop it. A message is in memory while it is handled or waits for another one
// of its group or call. Up to Concurrency messages are handled at once, and as many may
// wait, or 100 if that is more. With messages of 1 MiB, the largest that SQS accepts, a
// process needed up to 5 MiB for each message that is handled.
//
// # Permissions
//
// On the queue: sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:ChangeMessageVisibility. On the quarantine queue: sqs:SendMessage.
package consumer
