package soak_test

import (
	"time"

	"wildix-worker/consumer/sqslocal"
)

// faults are injected into the workers' calls, each with a chance of its own. At most
// one call in four or five is affected: with more, a busy machine would see an outage.
var faults = map[string][]sqslocal.Fault{
	"ReceiveMessage": {
		{Status: 500, Chance: 0.04},
		{Code: "RequestThrottled", Chance: 0.04},
		{DropBefore: true, Chance: 0.02},
		{DropAfter: true, Chance: 0.02}, // the messages are in flight, but no worker has them
		{Hang: true, Chance: 0.005},
		{Delay: time.Second, Chance: 0.03},
		{Delay: 30 * time.Second, Chance: 0.002}, // longer than the timeout of a receive
		{Duplicate: true, Chance: 0.08},
	},
	"DeleteMessageBatch":           settleFaults,
	"ChangeMessageVisibilityBatch": settleFaults,
}

var settleFaults = []sqslocal.Fault{
	{Status: 503, Chance: 0.04},
	{Code: "RequestThrottled", Chance: 0.04},
	{DropBefore: true, Chance: 0.02},
	{DropAfter: true, Chance: 0.04}, // the call succeeds, but the worker does not know
	{Hang: true, Chance: 0.005},
	{Delay: 300 * time.Millisecond, Chance: 0.05},
	{Delay: 4 * time.Second, Chance: 0.01}, // longer than the timeout of a call
	{EntryChance: 0.3, Chance: 0.1},
}

// injectFaults adds the faults to a queue until remove is called.
func injectFaults(server *sqslocal.Server, queue string) (remove func()) {
	var removers []func()
	for action, list := range faults {
		for _, fault := range list {
			fault.Action, fault.Queue = action, queue
			removers = append(removers, server.Inject(fault))
		}
	}
	return func() {
		for _, remove := range removers {
			remove()
		}
	}
}
