// Package webhook takes the signed call events of a Wildix PBX by HTTP: the
// transport for a site without AWS, for a developer with a tunnel, and for a
// small public endpoint that feeds a queue.
//
// A [Receiver] is an http.Handler. It verifies, decodes and dispatches with the
// same code as package consumer, and ends every event in the same six words:
//
//	r, err := webhook.New(webhook.Config{Keys: keys, Handler: mux, Logger: logger})
//	...
//	l, err := net.Listen("tcp", "127.0.0.1:8080")
//	...
//	err = r.Serve(ctx, l) // at /webhook, until ctx ends; then it drains
//
// It may also be mounted in a server of your own; then set that server's
// timeouts, and call [Receiver.Shutdown] when it stops.
//
// # Two ways to handle
//
// With a handler of events, the PBX has its answer when the handler is done. The
// PBX waits 5 s and tries three times more, and then forgets the event: whatever
// takes longer, or may be down for longer, is for a queue.
//
// With a [Relay] as the handler, the event is put on an SQS queue, body and
// signature as they came, and the PBX has its answer once SQS has it. Workers of
// package consumer do the rest, and nothing is lost while they are down.
//
// # Answers
//
//   - 204: handled, ignored or duplicate.
//   - 400: malformed: signed, but not an event; or the request broke off.
//   - 401: rejected: not exactly one signature, or not a valid one.
//   - 405, 408, 413: another method than POST; a body that took too long; one
//     that is larger than MaxBody.
//   - 422: failed with [events.Permanent]: another try will not help.
//   - 503 with Retry-After: failed and worth another try, also for want of time
//     or of keys; too many requests at once; or the receiver is stopping.
//
// A GET is answered 200 with a sentence, so it serves as the health check of a load
// balancer. A receiver that is stopping answers it 503; Serve then accepts no
// connections any more, so what is asked anew is refused.
//
// An answer is given within AnswerWithin of the request's header. A handler that
// has not returned by then goes on without its context, which has ended; a
// repeat of its event that comes meanwhile waits for it instead of starting it a
// second time. A client that hangs up does not end its handler: the PBX would
// only send the event again.
//
// # Limits
//
// At most MaxInFlight requests are looked at at once, and at most Concurrency of
// them are with the handler; the others wait their turn within AnswerWithin. At
// most 64 bodies larger than 16 KiB are in memory. So with the defaults the
// bodies take about 80 MiB at most, whoever sends them; measured with a client that
// leaves as many of them unfinished as it can, a process needed 250 MiB.
package webhook
