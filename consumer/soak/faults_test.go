package soak_test

import (
	"time"

	"wildix-worker/consumer/sqslocal"
)

// faults are what SQS does to the workers' calls, each to a share of them. A
// call is hit by one in four or five of them at most: on a machine that is busy
// as well, more would be an outage and not a soak.
var faults = map[string][]sqslocal.Fault{
	"ReceiveMessage": {
		{Status: 500, Chance: 0.04},
		{Code: "RequestThrottled", Chance: 0.04},
		{DropBefore: true, Chance: 0.02},
		{DropAfter: true, Chance: 0.02}, // the messages are out, and nobody has them
		{Hang: true, Chance: 0.005},
		{Delay: time.Second, Chance: 0.03},
		{Delay: 30 * time.Second, Chance: 0.002}, // beyond the poll's time limit
		{Duplicate: true, Chance: 0.08},
	},
	"DeleteMessageBatch":           settling,
	"ChangeMessageVisibilityBatch": settling,
}

var settling = []sqslocal.Fault{
	{Status: 503, Chance: 0.04},
	{Code: "RequestThrottled", Chance: 0.04},
	{DropBefore: true, Chance: 0.02},
	{DropAfter: true, Chance: 0.04}, // it is done, and nobody knows
	{Hang: true, Chance: 0.005},
	{Delay: 300 * time.Millisecond, Chance: 0.05},
	{Delay: 4 * time.Second, Chance: 0.01}, // beyond the call's time limit
	{EntryChance: 0.3, Chance: 0.1},
}

// inject switches the faults on for a queue.
func inject(server *sqslocal.Server, queue string) (remove func()) {
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
