package fleet_test

import (
	"math"
	"time"
)

// prices are AWS's list prices in US East (N. Virginia), in dollars. docs/cost.md says when
// they were looked up.
type prices struct {
	sqs      float64 // a million requests of a standard queue
	sqsFree  float64 // requests a month
	write    float64 // a million write request units of DynamoDB, on demand
	vcpu     float64 // an hour of a vCPU of Fargate, on ARM
	memory   float64 // an hour of a GB of Fargate, on ARM
	address  float64 // an hour of a public IPv4 address
	logs     float64 // a GB of CloudWatch Logs
	logsFree float64 // GB a month
}

var listPrices = prices{
	sqs: 0.40, sqsFree: 1e6, write: 0.625, vcpu: 0.03238, memory: 0.00356, address: 0.005, logs: 0.50, logsFree: 5,
}

const (
	eventsPerCall = 5               // call:start, about three of call:update, call:end
	cpuPerEvent   = 78e-6           // seconds of a CPU; the median of make bench, rounded up
	logLine       = 300             // bytes that the handler log writes an event
	daysAMonth    = 30.4            // a month
	month         = 24 * daysAMonth // hours
	officeHours   = 10 * daysAMonth // in which the calls of a month are made
	destinations  = 2               // that remember events in the once table
	taskCPU       = 0.25            // vCPUs of the stack's task
	taskMemory    = 0.5             // GB
)

// A bill is what a month costs.
type bill struct {
	events, requests, writes, cpu float64 // cpu in seconds
	sqs, task, log, once          float64 // dollars
}

// monthly returns the bill of one worker for that many calls a day, with the stack's task.
func monthly(calls float64, p prices) bill {
	b := bill{events: calls * eventsPerCall * daysAMonth}
	rate := b.events / officeHours / 3600
	busy := receives(rate) + deletes(rate, 50*time.Millisecond)
	b.requests = b.events + 3600*(officeHours*busy+(month-officeHours)*receives(0))
	b.writes = 2 * destinations * b.events
	b.cpu = b.events * cpuPerEvent

	b.sqs = max(0, b.requests-p.sqsFree) / 1e6 * p.sqs
	b.task = month * (taskCPU*p.vcpu + taskMemory*p.memory + p.address)
	b.log = max(0, b.events*logLine/1e9-p.logsFree) * p.logs
	b.once = b.writes / 1e6 * p.write
	return b
}

// A size is a fleet for a rate of events.
type size struct {
	speed       float64 // of a worker
	workers     int
	inFlight    float64 // messages
	queues      int
	bill, sends float64 // dollars of SQS a month, and those of them for the PBX's sends
}

const (
	headroom    = 2       // times the usual rate that a fleet can handle
	maxInFlight = 120_000 // SQS's limit for a queue
)

// sized returns the fleet of workers with a vCPU each.
func sized(rate float64, concurrency int, handlerTime time.Duration) size {
	s := size{speed: min(speed(concurrency, handlerTime), 1/cpuPerEvent)}
	s.workers = fleetSize(rate, s.speed, headroom)
	workers := float64(s.workers)
	s.inFlight = rate*(2*roundTrip+handlerTime).Seconds() + workers*perCall
	s.queues = int(math.Ceil(headroom * s.inFlight / maxInFlight))
	calls := workers * (receives(rate/workers) + deletes(rate/workers, handlerTime))
	s.bill = sqsBill((rate + calls) * month * 3600)
	s.sends = s.bill * rate / (rate + calls)
	return s
}

// sqsBill returns the dollars for a month's requests: there is a price for the first hundred
// billion, one for the second, and one beyond.
func sqsBill(requests float64) float64 {
	const step = 100e9
	first, second := min(requests, step), min(max(requests-step, 0), step)
	return (first*listPrices.sqs + second*0.30 + max(requests-2*step, 0)*0.24) / 1e6
}
