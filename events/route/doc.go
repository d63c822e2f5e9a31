// Package route passes each event to several destinations, of which one that is down, slow
// or broken delays no other:
//
//	router, err := route.New(route.Config{Destinations: []route.Destination{
//		{Name: "crm", Handler: crm, On: []string{"call:end"}, Concurrency: 8, Timeout: 10 * time.Second},
//		{Name: "archive", Handler: archive},
//	}})
//
// The [Router] is an [events.Handler]. It calls all destinations that want an event at the
// same time. A transport that can hold events ([events.Hold]) calls it again when a
// destination can take an event that it could not take before, and what has succeeded is
// not repeated for that delivery. Give the transport [Router.Concurrency] as the number of
// events that it handles at once, so that there are places for each destination.
//
// # When an event waits
//
// An event is held, and costs no receive, while one of its destinations
//
//   - has as many calls running as its Concurrency allows. Events wait in order of arrival.
//   - is down: ten different events have failed one after another, each at the first
//     attempt of its first receive. Retries do not count, so a few events that always fail
//     are no outage.
//   - is paused: its handler has returned [events.Unavailable], such as for a 429 or 503
//     with a Retry-After. Nothing is passed to it for that time, or five minutes if that
//     is less.
//   - has failed for this event, and it is not known yet whether the event or the
//     destination is the cause. Such an event is a suspect. After the next success of
//     another event there, it is tried again within a second. If it fails again, it is the
//     cause, and the failure is returned.
//
// Give each destination a Timeout: a call that hangs keeps its place until then, and shows
// only then that the destination is down.
//
// # Probes
//
// While a destination is down, or no event has succeeded since a suspect failed, one of
// the waiting events is tried about every second, those first that were tried
// least. A probe that hangs is not waited for: up to eight run at once. Then the
// second-oldest has its context cancelled for each new one. The oldest may take its full
// time, so that a destination that needs a minute for an event recovers too.
//
// After the first success all events that waited go on. The number of calls at once grows
// from an eighth of the limit to all of it within two seconds, so that the destination is
// not brought down again. If ten events fail one after another, it is down again.
//
// # Other destinations while it runs
//
// [Router.Replace] replaces the destinations, such as when a configuration is read again.
// Those with the same Name and Version are kept as they are. What becomes of an event that is
// in hand meanwhile:
//
//   - A destination that has it, under that name, does not get it again.
//   - A kept destination goes on with it, as if nothing had changed.
//   - A destination that has changed gets it if it wants it, also if it has failed for the
//     old one, or waited for it. Calls of the old handler that are running end first.
//   - One that was removed does not get it any more.
//   - One that is new gets it only if the event was to go to one that was removed, and that
//     does not have it: it may be the same under another name. Otherwise it gets the events
//     that are first dispatched after the change.
//
// If no destination is left for an event, and none has it, the result is
// [events.ErrNoHandler].
//
// # Results
//
// What a handler's result means:
//
//   - nil: the event is handled, and the destination is up.
//   - [events.ErrDuplicate], [events.ErrNoHandler]: there was nothing to do. Like the next
//     three, it says nothing about the destination.
//   - [events.Permanent]: the event can't be handled.
//   - [events.RetryAfter] without a reason: the event is too early.
//   - [events.Hold]: the event waits until the handler can go on with it.
//   - [events.RetryAfter] with a reason: a failure of this event, which is returned unless
//     the destination is down.
//   - [events.Unavailable]: the destination is paused.
//   - any other error, or a panic: a failure.
//
// If one destination has failed for an event that is held for another, that failure is
// kept, and the destination is tried again after five seconds, then after twice as long,
// up to 15 minutes. When the event is held no longer, the failure is returned. Its text
// begins with the destination's name.
package route
