// Package dlq is the command dlq: it lists, exports and redrives the messages of a
// dead-letter queue.
package dlq

// Command is the command dlq.
type Command struct {
	List    List    `cmd:"" help:"Count the messages, and show which of a sample a worker would accept today."`
	Redrive Redrive `cmd:"" help:"Move the messages back to the queue that they came from."`
	Export  Export  `cmd:"" help:"Write all messages as lines of JSON."`
}
