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
// A handler may ask for its message to be held ([events.Hold]), because something that it
// depends on is down or busy. A held message occupies no worker and costs no receive: its
// lease is extended, after a minute in steps of 16 minutes, and the handler is called again
// when it says so. Just before SQS's limit of twelve hours the message is returned.
// [Config].MaxHeld and MaxHeldBytes limit held messages. Beyond them, a message is returned
// with a delay of ten minutes, which doubles with every receive up to six hours, and
// nothing is received while [Config].Blocked returns true. Only a message that waits for
// something that is busy ([events.Busy]) is kept, in a slot of those that are handled. Package
// [wildix-worker/events/route] is a handler that does all this for any number of
// destinations; without it, a handler whose CRM is down moves its messages to the
// dead-letter queue. Messages that can't be verified because the keys can't be read are
// held too, and tried every few seconds.
//
// The messages of a FIFO group are handled in order, one at a time. When one fails, the
// later ones that were already received are returned. Each return costs them a receive,
// so the queue's maxReceiveCount must be high enough. They do not wait for a message that
// fails with [events.Permanent], is rejected or malformed: SQS delivers no others of the
// group while it is in flight, so it is not left but returned at once, to be moved to the
// dead-letter queue after enough receives. If no message that can be handled came with it,
// it is returned with a delay of up to 20 s: a rejected one from its first receive, the
// others from the eleventh. On a standard queue, [Config].OrderByCall handles the
// events of one call one at a time.
//
// # Limits
//
// A handler that does not return when its context ends keeps its worker and its message:
// Go can't stop it. After a minute it is overdue: [Stats] counts it, and
// [Consumer.Healthy] returns an error. A message is in memory while it is handled or held.
// Up to Concurrency messages are handled at once, and up to MaxHeld are held. With messages
// of 1 MiB, the largest that SQS accepts, a process needed up to 5 MiB for each message
// that is handled.
//
// When a process is killed, its held messages stay invisible until their leases end, which
// may be 16 minutes later. A process that is stopped returns them at once.
//
// # Permissions
//
// On the queue: sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:ChangeMessageVisibility. On the quarantine queue: sqs:SendMessage.
package consumer
