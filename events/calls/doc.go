// Package calls assembles calls from their events.
//
// Most programs need a [Tracker]. It is an [events.Handler] that knows which calls
// go on, and calls a function with the [Record] of each that has ended:
//
//	tracker := &calls.Tracker{OnCallFinished: save}
//	mux.Handle("call:*", tracker)
//
// A Tracker lives in one process and forgets when that stops. To assemble calls in
// a database, use what it is built on: [FactsOf] returns what one event says about
// its call, [Facts.Merge] joins the facts of several events, in any order and
// repeated as they may be, and [Facts.Record] returns the call that they describe.
// Facts can be stored as JSON under their [Key].
package calls
