// Package sqscall is how the transports call SQS: requests of one packet
// without retries of the SDK, pauses between calls that fail, one log line a
// change of state, and what a batch call says of each of its entries.
package sqscall
