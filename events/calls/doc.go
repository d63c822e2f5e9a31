// Package calls assembles calls from their events.
//
// Most programs need a [Tracker]. It is an [events.Handler] that knows which calls are
// live, and calls a function with the [Record] of each call that has ended:
//
//	tracker := &calls.Tracker{OnCallFinished: save}
//	mux.Handle("call:*", tracker)
//
// A Tracker's calls are in memory, and are lost when the process stops. To assemble calls
// in a database, use the functions that a Tracker uses: [FactsOf] returns what one event
// says about its call, [Facts.Merge] joins the facts of several events, whatever their
// order and however often they are repeated, and [Facts.Record] returns the call that they
// describe. Facts can be stored as JSON under their [Key].
package calls
