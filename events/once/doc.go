// Package once lets an event have its effect once, though SQS delivers at least
// once and the PBX tries again. What a handler has done is remembered by the
// content of the event, in a [Memory]:
//
//	memory := once.InMemory(0, 0)
//	mux.Handle("call:end", once.New("crm", memory, once.Options{})(saveToCRM))
//
// Wrap each handler of an [events.Chain] on its own, under a name of its own: then
// a retry leaves out those that had succeeded.
//
// An event is in one of three states for a handler. It is new: the handler gets it,
// and the memory a lease that outlasts the handler's time limit. It is in progress,
// here or in another worker: it comes again when that lease has ended
// ([events.RetryAfter] without a cause). It is done: [events.ErrDuplicate]. A
// handler that fails or panics gives its lease back at once; that of a worker which
// crashes runs out, and the event is handled then. So a crash in the middle of a
// handler is retried and not swallowed.
//
// # What is promised, and what can't be
//
// A handler that has returned nil is not called again for the same event, within
// the memory's window, by any worker that shares the memory. [InMemory] is shared
// by nobody and lost with the process; package dynamo keeps it in a DynamoDB table.
//
// Nobody can promise that an effect happens exactly once if the effect and the
// memory of it are in two places. It happens twice when a worker crashes, or the
// memory can't be reached, between the two; when a handler goes on working after
// its context has ended; and when the clocks of two workers differ by more than ten
// seconds. Give the receiver of the effect [events.Event.DeliveryKey] where it takes
// an idempotency key.
//
// While the memory can't be reached events fail, to be delivered again
// ([Wait]), or are handled all the same ([AtLeastOnce]), as [Options] say.
package once
