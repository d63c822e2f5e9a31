// Package once sees to it that an event has its effect once, though it is
// delivered at least once: SQS repeats messages, the PBX repeats what it got no
// answer to, and a worker that is killed has its messages delivered again.
//
// It is a middleware around one handler, which remembers what the handler has
// done with which event:
//
//	remember, err := once.New(once.Config{Name: "crm"})
//	...
//	mux.Handle("call:end", remember(events.HandlerFunc(saveToCRM)))
//
// An event is known by [events.Event.DeliveryKey]: by what it says, not by the
// message that it came in. For each handler it is in one of three states. It is
// new, and the handler gets it under a lease; or the handler is at work on it,
// here or elsewhere, and it is to come again later ([events.RetryAfter]
// without a cause, which is no failure); or it is done, and a repeat
// ([events.ErrDuplicate]). It is done when the handler has returned nil or
// ErrDuplicate. When the handler fails, panics or has nothing to do with it, the
// lease is given back, so that the next try need not wait. When the process is
// killed the lease ends by itself, and the event is new again.
//
// In a chain each handler is wrapped on its own, under its own name: then those
// that have succeeded are left out when the event comes again for the sake of
// one that has failed.
//
// # Alone or together
//
// A process remembers by itself the newest 100,000 events of each handler
// ([Config].Keys), which takes up to 13 MB, and less than 2 µs an event.
// That suffices for one worker that is not restarted. Config.Shared is a memory
// that outlives the process and that several workers have in common; package
// [wildix-worker/events/once/dynamo] keeps it in a DynamoDB table. It is asked
// before the handler is called and told afterwards, in two requests an event and
// handler. What this process knows by itself it does not ask for.
//
// # What is promised
//
//   - No event is lost. It passes for done only if its handler said so.
//   - While the shared memory answers, two workers never have the handler at
//     work on the same event, unless a handler goes on for more than ten seconds
//     after its context has ended, or their clocks are further apart than that.
//     A lease ends ten seconds after the context's deadline; without one it lasts
//     15 minutes, so give handlers a deadline.
//   - An event that is done is not handled again within Config.Window.
//
// # What can't be promised
//
// An effect and the note of it are two things, unless the handler keeps both in
// one transaction. A process that is killed between them leaves an effect that
// nobody knows of, and the event has it again. It is a matter of the few
// milliseconds that the note takes, and of the events that were in hand. The
// same goes for a handler that fails after its effect. A handler that must
// exclude this passes the DeliveryKey on, for its receiver to refuse what it has
// had.
//
// When the effect has happened but the shared memory can't be told, within two
// seconds and some tries, the event is done all the same: to fail it would have
// it repeated for certain. This process remembers it; another one to which it is
// delivered again does not.
//
// # When the shared memory can't be reached
//
// With [Wait], the default, the event fails before its handler is called, and
// package consumer pauses when most events do. With [AtLeastOnce] it is handled,
// and only this process remembers it.
package once
