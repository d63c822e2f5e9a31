// Package soak is a test that lets everything go wrong for as long as it is
// told to: workers are real processes that are killed and started again every
// few seconds, the server refuses, delays and loses calls, and handlers fail.
// At the end every message is accounted for.
package soak
