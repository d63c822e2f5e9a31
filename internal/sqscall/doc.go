// Package sqscall has what all calls of SQS share: limits, client options without the
// SDK's retries, the pause between failed calls, the log of outages, received messages, and
// the result of each entry of a batch call.
package sqscall
