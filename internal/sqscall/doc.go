// Package sqscall has what all calls to SQS share: its limits, client options without the
// SDK's retries, the pause between failed calls, one log line a change of state, and the
// result of each entry of a batch call.
package sqscall
