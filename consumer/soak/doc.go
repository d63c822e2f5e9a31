// Package soak is a test of the consumer under faults, crashes and restarts: workers are
// processes that are killed and restarted every few seconds, the server refuses, delays
// and loses calls, and handlers fail. Each worker has two destinations, of which one is down
// in turns: it fails or hangs. At the end, every message must be accounted for.
package soak
