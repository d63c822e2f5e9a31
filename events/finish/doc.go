// Package finish derives call:finished from the events of a call: one event that has the
// whole call, with caller, callee, times, and whether it was answered or missed.
//
//	h, err := finish.New(finish.Config{Next: router, State: state})
//
// The [Handler] passes every event on to Next at once. Besides, it keeps what the event says
// about its call in a [State], such as the one of package
// [wildix-worker/events/handlers/store] in SQLite or PostgreSQL. When the call has ended, it
// waits ten seconds for events that are late, and passes the derived event to Next, with a
// [*events.FinishedCall].
//
// # The derived event
//
// It has the call's ID and the time of its end, and its Raw is JSON with the same envelope as
// other events. It has no signature, since no PBX has signed it.
//
// Its content is fixed in the state before it is first passed on, so that every repeat, by
// whatever worker, has the same bytes and the same [events.Event.DeliveryKey]: package
// [wildix-worker/events/once] recognises it. What arrives later does not change it.
//
// One event of the call is responsible for it: the first that arrives of call:end,
// call:live:completed, call:live:interrupted and call:completed. The message of that event
// is held ([events.Hold]) and is done only when both it and call:finished are. A worker that
// is stopped or killed meanwhile loses nothing: the message is delivered again, and the state
// has the call.
//
// So each destination gets call:finished at least once for each call, and once within the
// promise of package once.
//
// # Missed calls
//
// A call is missed if it is not outbound and nobody answered. The end cause plays no part: a
// caller who hangs up while the phone rings ends the call with 16, Normal Clearing, as after a
// conversation. Voice mail that answers counts as answered unless a call:completed within
// the ten seconds says MISSED. See [calls.Record].
//
// # When the state is down
//
// The state is treated as package [wildix-worker/events/route] treats a destination: while it
// is down or slow, the destinations get the events of the PBX all the same, and the messages
// are held until the state has them too. Handler.Concurrency, Handler.Blocked and
// Handler.StateStats are for the transport and the display, as those of a Router.
//
// If Next has the method Wants, as a Router does, and wants no call:finished, the state is not
// used and nothing waits.
//
// # Limits
//
// A webhook must answer within five seconds, so that there the derived event waits for late
// events only half of the time that is left. Put a queue between the webhook and the worker to
// have all of it. While the state is down, the events of calls are answered with an error
// there, as when a destination is down.
//
// If events of a call are handled in order, those that come after the end wait behind it, and
// are not in its call:finished.
package finish
