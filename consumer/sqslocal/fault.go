package sqslocal

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Fault is trouble that a server makes on purpose. Its first four fields say for which requests, the others what happens to them;
// effects can be combined, and take place in the order of the fields. An effect that does not apply to a request, such as Duplicate
// to a send, does nothing, but the request counts: say which Action is meant.
type Fault struct {
	Action string  // only this action, such as "DeleteMessageBatch"; "" is any
	Queue  string  // only requests that name this queue; "" is any, and those that name none
	Count  int     // only so many requests, after which the fault is over; 0 is no limit
	Chance float64 // only this share of the requests, from 0 to 1, drawn from Options.Seed; 0 is all of them

	// Delay holds the request for so long, on top of the server's latency, before anything else happens.
	Delay time.Duration
	// Hang never answers: the request ends when the client leaves or the server closes. The action is not done.
	Hang bool
	// DropBefore closes the connection instead of answering. The action is not done.
	DropBefore bool

	// Status, Code and Message refuse the request with an HTTP status and an SQS error; the action is not done. One of Status and
	// Code is enough: Status is 400 if only Code is given; if only Status is, Code is "InternalFailure" from 500 on and
	// "InvalidParameterValue" below. Codes that clients know are RequestThrottled, ThrottlingException, AccessDeniedException,
	// ExpiredTokenException, ServiceUnavailable, QueueDoesNotExist and others. With FailEntries or EntryChance they describe
	// the error of an entry, and the request as a whole is not refused.
	Status  int
	Code    string
	Message string

	// FailEntries answers the first entries of a batch, so many of them, as Failed. Those entries are not done; the others are.
	// Without Status and Code, the error is an InternalFailure, which is not the sender's fault.
	FailEntries int
	// EntryChance does so for each entry of a batch with this probability.
	EntryChance float64

	// Duplicate leaves messages that are received in line as well, as it can happen on a standard queue: the next receive gets them
	// again, with other handles, which make those of this receive old. FIFO queues have no duplicates.
	Duplicate bool
	// DropAfter does the action, then closes the connection instead of answering.
	DropAfter bool
}

// armedFault is a Fault that is switched on, with the number of requests it has met.
type armedFault struct {
	Fault
	met int
}

// drawnFault is the Fault of one request, all of its dice thrown. Its zero value has no effect.
type drawnFault struct {
	Fault
	failed [maxBatch]bool // by position in the batch: whether EntryChance struck
}

// Inject switches a fault on, for requests from now on, until its Count is reached or remove is called. A request meets one fault at
// most: the first to be injected of those that match it and whose Chance strikes.
func (s *Server) Inject(f Fault) (remove func()) {
	armed := &armedFault{Fault: f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, armed)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.disarm(armed)
	}
}

func (s *Server) disarm(f *armedFault) {
	s.faults = slices.DeleteFunc(s.faults, func(other *armedFault) bool { return other == f })
}

// Calls returns how many requests for the action have arrived, those that met a fault included; "" counts all actions.
func (s *Server) Calls(action string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[action]
}

// arrived counts a request and draws its fault.
func (s *Server) arrived(action string, body []byte) drawnFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[""]++
	if _, known := actions[action]; known { // a client's inventions shall not fill the memory
		s.calls[action]++
	}
	if len(s.faults) == 0 {
		return drawnFault{}
	}
	var in struct{ QueueUrl, QueueName string }
	_ = json.Unmarshal(body, &in) // if it is not valid, it names no queue
	queue := lastPart(in.QueueUrl + in.QueueName)
	for _, f := range s.faults {
		if f.matches(action, queue) && (f.Chance == 0 || s.random.Float64() < f.Chance) {
			return s.draw(f)
		}
	}
	return drawnFault{}
}

func (f *armedFault) matches(action, queue string) bool {
	return (f.Action == "" || f.Action == action) && (f.Queue == "" || f.Queue == queue)
}

// draw lets a fault meet a request.
func (s *Server) draw(f *armedFault) drawnFault {
	if f.met++; f.met == f.Count {
		s.disarm(f)
	}
	drawn := drawnFault{Fault: f.Fault}
	if f.EntryChance > 0 {
		for i := range drawn.failed {
			drawn.failed[i] = s.random.Float64() < f.EntryChance
		}
	}
	return drawn
}

// failBefore does what a fault does instead of the action; nil lets the action go ahead.
func (s *Server) failBefore(r *request) error {
	f := &r.fault
	if f.Hang {
		select {
		case <-r.ctx.Done():
		case <-s.closed:
		}
		panic(http.ErrAbortHandler)
	}
	if f.DropBefore {
		panic(http.ErrAbortHandler)
	}
	if !f.ofEntries() && (f.Status != 0 || f.Code != "") {
		return f.refusal(http.StatusBadRequest)
	}
	return nil
}

func (f *drawnFault) ofEntries() bool { return f.FailEntries > 0 || f.EntryChance > 0 }

// failEntry returns the error that entry i of a batch meets, or nil.
func (f *drawnFault) failEntry(i int) error {
	if i < f.FailEntries || f.failed[i] {
		return f.refusal(http.StatusInternalServerError)
	}
	return nil
}

// refusal is the error the fault describes, with the given status if it has neither a status nor a code of its own.
func (f *drawnFault) refusal(status int) error {
	if f.Code != "" {
		status = http.StatusBadRequest
	}
	if f.Status != 0 {
		status = f.Status
	}
	e := &apiError{status: status, shape: f.Code, code: f.Code, message: f.Message}
	if f.Code == "" && e.senderFault() {
		e.shape, e.code = "InvalidParameterValueException", "InvalidParameterValue"
	} else if f.Code == "" {
		e.shape, e.code = "InternalFailureException", "InternalFailure"
	}
	if e.message == "" {
		e.message = "This error was asked for."
	}
	return e
}
