// Package once makes an event have its effect once, although it is delivered at least
// once: SQS repeats messages, the PBX repeats requests without an answer, and the messages
// of a worker that was killed are delivered again.
//
// It is a middleware around one handler, which remembers the events that the handler has
// handled:
//
//	remember, err := once.New(once.Config{Name: "crm"})
//	...
//	mux.Handle("call:end", remember(events.HandlerFunc(saveToCRM)))
//
// An event is identified by [events.Event.DeliveryKey]: by its content, not by its
// message. For each handler it is in one of three states:
//
//   - New: the handler is called, under a lease.
//   - In progress, here or in another process: the result is [events.RetryAfter] without
//     a reason, so the event is delivered again later. It does not count as a failure.
//   - Done, because the handler has returned nil or [events.ErrDuplicate]: the result
//     is [events.ErrDuplicate].
//
// When the handler fails, panics or ignores the event, the lease is released, so that
// the next delivery can be handled at once. When the process is killed, the lease expires,
// and the event is new again.
//
// With several destinations (package route), wrap the handler of each on its own, under its
// own name: when one has failed and the event is delivered again, those that succeeded are
// skipped.
//
// # In one process or many
//
// A process remembers the newest 100,000 events of each handler ([Config].Keys) in its
// own memory, which takes up to 4 MB, and less than 1 µs per event. That is enough for
// one worker that is not restarted. Config.Shared is a [Store] that outlives the process
// and that several workers share; package [wildix-worker/events/once/dynamo] is one in a
// DynamoDB table. It is called before and after each call of the handler, except for
// events that the process itself remembers.
//
// # Guarantees
//
//   - No event is lost. It is done only if its handler has succeeded.
//   - While the shared store can be reached, no two workers handle an event at the same
//     time, unless a handler runs for more than ten seconds after its context has
//     ended, or the workers' clocks differ by more than that. A lease ends ten seconds
//     after the context's deadline. Without a deadline it lasts 15 minutes, so give
//     handlers one.
//   - An event that is done is not handled again within Config.Window.
//
// # Limits
//
// An effect and its record are separate writes, unless the handler makes both in one
// transaction. If a process is killed between them, the event is new again and has its
// effect twice. Only events in flight are at risk, for the few milliseconds that the
// record takes. A handler that fails after its effect repeats it too. To exclude both,
// pass the DeliveryKey on, and let the receiver ignore a key that it has seen.
//
// If the effect can't be recorded in the shared store within two seconds, the event still
// counts as done, since failing it would certainly repeat it. This process remembers it;
// others do not.
//
// While the shared store can't be reached, an event fails before its handler is called
// ([Wait], the default); package route then holds the events. With [AtLeastOnce] it is handled, and only this process remembers it.
package once
