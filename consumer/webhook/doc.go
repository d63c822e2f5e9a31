// Package webhook receives the signed call events of a Wildix PBX over HTTP. Use it
// for a site without AWS, for development behind a tunnel, or as a small public
// endpoint that feeds a queue.
//
// A [Receiver] is an http.Handler. It verifies, decodes and dispatches events as
// package consumer does, and ends each with one of the same six outcomes:
//
//	r, err := webhook.New(webhook.Config{Keys: keys, Handler: mux, Logger: logger})
//	...
//	l, err := net.Listen("tcp", "127.0.0.1:8080")
//	...
//	err = r.Serve(ctx, l) // at /webhook, until ctx ends; then it drains
//
// It can also be mounted in a server of your own. Set that server's timeouts, and
// call [Receiver.Shutdown] when it stops.
//
// # With or without a queue
//
// With a handler of your own, the PBX gets its answer when the handler has returned.
// The PBX waits 5 s, tries three more times, and then drops the event. If handling
// an event may take longer, or an outage may last longer, use a queue.
//
// With a [Relay] as the handler, the event is sent to an SQS queue, with body and
// signature as received, and the PBX gets its answer when SQS has accepted it.
// Workers of package consumer handle the events, and none is lost while they are
// down.
//
// # Answers
//
//   - 204: handled, ignored or duplicate.
//   - 400: malformed, which is signed but not an event; or the request was cut off.
//   - 401: rejected, because there is not exactly one signature, it is not valid, or the
//     event is older than MaxAge.
//   - 404: by Serve, another path.
//   - 405: the method is not POST, GET or HEAD.
//   - 408: the body took too long.
//   - 413: the body is larger than MaxBody.
//   - 422: failed with [events.Permanent], so another try will fail too.
//   - 503 with Retry-After: failed, and another try may succeed. This includes a
//     handler that took too long, an event held for too long, keys that can't be read,
//     too many requests at once, and a receiver that is stopping.
//
// GET is answered 200 with a short text, as the health check of a load balancer. A
// receiver that is stopping answers it 503; Serve then accepts no new connections.
//
// A request is answered within AnswerWithin of its header. The handler's context ends
// then. If the handler has not returned, a repeat of its event waits for it instead of
// starting a second call. A client that disconnects does not end its handler, because
// the PBX would send the event again.
//
// If the handler asks for the event to be held ([events.Hold]), because a destination is
// down or busy, the request waits and the handler is called again when the event is
// resumed. If that takes longer than AnswerWithin, the event has failed, with the
// handler's reason.
//
// # Limits
//
// Serve speaks HTTP/1.1. It keeps at most MaxConnections connections, of which an eighth, at
// least 16, may have shown no valid signature; the oldest of these give way to others.
//
// At most MaxInFlight requests are read or handled at once. At most Concurrency of
// them are with the handler, which held events are not; the others wait, within
// AnswerWithin.
//
// Bodies larger than 16 KiB that are being read share 8 MiB of memory. If that is not enough,
// the slowest one gives way. At most 64 of those with a valid signature are handled at once.
// So a client that has neither a secret nor a recorded event can't make a process take more
// than 128 MiB.
package webhook
