// Package calls puts calls together from their events.
//
// [FactsOf] is what one event says of its call, [Facts.Merge] joins what several
// say, in any order, and [Facts.Record] is the call that they describe. A
// [Tracker] does this in memory for the calls that go on, and reports each that
// ends.
package calls
