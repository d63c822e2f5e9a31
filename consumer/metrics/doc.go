// Package metrics exports Prometheus metrics of the transports and their handlers.
//
//	m := metrics.New(prometheus.DefaultRegisterer)
//	c, err := consumer.New(client, consumer.Config{..., Handler: m.Handler("crm")(mux), Observe: m.Observe})
//	...
//	m.Consumer(c.Stats)     // or m.Receiver(r.Stats), of package webhook
//	m.Destinations(r.Stats) // of a router of package route
//
// The names of all metrics begin with wildix_:
//
//	messages_total{outcome,type}                messages and requests by outcome
//	handling_seconds                            time from verifying a message to its outcome
//	event_age_seconds                           time from an event to the end of its handling
//	message_age_seconds                         time from sending a message to SQS to the end of its handling
//	handler_seconds{handler}                    duration of a handler's calls
//	handler_failures_total{handler}             calls of a handler that returned an error or panicked
//	handlers_running{handler}                   calls of a handler that are running
//	destination_state{destination,state}        1 for the state that a destination is in
//	destination_down_seconds{destination}       how long it has been down or paused; 0 while it is up
//	destination_held_events{destination}        events that wait for it
//	destination_running{destination}            calls of it that are running
//	destination_calls_total{destination,result} calls of it by result
//	messages_in_hand                            messages received and not settled
//	messages_settled_total{how}                 messages deleted, returned, quarantined or left
//	polls                                       receives that are running
//	receives_empty_total                        receives without a message
//	messages_held                               messages held until a destination can take them, or an earlier message is settled
//	messages_held_bytes                         size of the bodies of held messages
//	messages_held_limit                         how many messages may be held
//	messages_held_bytes_limit                   how large their bodies may be
//	handlers_overdue                            handlers that have not returned a minute after their context ended
//	last_receive_timestamp_seconds              time of the latest answer to a receive
//	sqs_requests_total{operation,result}        SQS calls
//	deletes_failed_total                        deletes that failed and were tried again
//	leases_extended_total                       leases extended
//	leases_lost_total                           leases that ended before their message was settled
//	requests_in_flight                          HTTP requests being read or handled
//	requests_refused_total                      HTTP requests refused because there were too many, or too many large bodies
//	requests_misdirected_total                  signed HTTP requests that were posted to another path
//	connections_open                            open HTTP connections
//	connections_closed_total                    HTTP connections closed to make room for others
//	queue_messages{queue,state}                 messages in the queue and its dead-letter queue, by [Depths]
//
// The outcomes are the six of package events. A type is one that package events
// declares, "other", or "none" for a message that is not an event.
package metrics
