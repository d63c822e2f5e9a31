package calls

import (
	"cmp"
	"slices"
	"strings"

	"wildix-worker/events"
)

// FactsOf returns what the event says about its call. It returns false if the
// event is not about a call, or its type has no typed data.
//
// The call's ID is the one in the event's data, which newer types have, or else
// the event's own. Texts are cut to [MaxText].
func FactsOf(e *events.Event) (f Facts, ok bool) {
	var x extractor
	if !x.read(e, MaxText) {
		return Facts{}, false
	}
	return x.Facts, true
}

// An extractor collects the facts of one event.
type extractor struct {
	Facts
	eventType string
	at        int64
	rank      rank
	texts     []string // of all values, in memory that the next event uses again
}

// read reads the facts of an event, with texts of at most limit bytes. It returns false if
// there are none. What an earlier call has read is lost.
func (x *extractor) read(e *events.Event, limit int) bool {
	*x = extractor{eventType: e.Type, at: e.Time.UnixMilli(), rank: rankOf(e.Type), texts: x.texts[:0]}
	key, ok := keyOf(e)
	if !ok {
		return false
	}
	x.ID, x.Company = key.ID, key.Company
	x.First, x.Last = x.at, x.at
	x.set(&x.PBX, e.PBX)
	switch data := e.Data.(type) {
	case *events.Call:
		x.addCall(data)
	case *events.LiveCall:
		x.addLive(data)
	case *events.CompletedCall:
		x.addCompleted(data)
	}
	x.bound(limit)
	return true
}

// forget lets go of the memory of the event.
func (x *extractor) forget() {
	clear(x.texts)
	*x = extractor{texts: x.texts[:0]}
}

// set sets a value of the event, unless all its strings are empty.
func (x *extractor) set(v *latest, strings ...string) {
	for _, s := range strings {
		if s != "" {
			*v = latest{At: x.at, Rank: x.rank, Strings: x.keep(strings)}
			return
		}
	}
}

// usualTexts is how many texts the values of an event have at most, unless it has flows.
const usualTexts = 23

func (x *extractor) keep(strings []string) []string {
	if cap(x.texts) == 0 {
		x.texts = make([]string, 0, usualTexts)
	}
	from := len(x.texts)
	x.texts = append(x.texts, strings...)
	return x.texts[from:len(x.texts):len(x.texts)]
}

func (x *extractor) addCall(c *events.Call) {
	talking := strings.EqualFold(c.Status.Value, "TALKING")
	x.Talked = x.Talked || talking
	if x.eventType == events.CallStart {
		x.Started = x.at
	}
	switch x.eventType {
	case events.CallEnd, events.CallLiveCompleted, events.CallLiveInterrupted:
		x.Ended = x.at
	default:
		if talking {
			x.Talking = x.at
		}
	}
	x.set(&x.Status, c.Status.Value)
	x.addParty(&x.Caller, c.Caller)
	x.addParty(&x.Callee, c.Callee)
	x.set(&x.Destination, c.Destination.Value)
	x.set(&x.Queue, c.QueueName.Value)
	x.set(&x.Trunk, c.TrunkName.Value)
	x.addEnd(c.EndCause, c.EndCauseStr, c.EndBy)
}

func (x *extractor) addEnd(cause, causeStr, by events.Text) {
	x.set(&x.EndCause, cause.Value, causeStr.Value)
	x.set(&x.EndBy, by.Value)
}

func (x *extractor) addParty(v *latest, p *events.Participant) {
	if p != nil && (p.Phone.Value != "" || p.Name.Value != "" || p.UserExtension.Value != "" || p.Email.Value != "") {
		x.set(v, p.Type.Value, p.Phone.Value, p.Name.Value, p.Company.Value, p.Email.Value, p.UserExtension.Value, p.GroupName.Value)
	}
}

func (x *extractor) addLive(l *events.LiveCall) {
	x.addFlows(l.Flows) // first, since the values of the call as a whole take precedence
	x.addCall(&l.Call)
	x.set(&x.Direction, string(directionOf(l.Direction)))
}

func (x *extractor) addCompleted(c *events.CompletedCall) {
	if x.PBX.IsZero() {
		x.set(&x.PBX, c.PBX.Value)
	}
	x.Completed = x.at
	x.addEnd(c.EndCause, c.EndCauseStr, c.EndBy)
	x.addFlows(c.Flows)
	for _, flow := range c.Flows {
		x.Result = max(x.Result, resultOf(&flow))
	}
}

func resultOf(flow *events.Flow) result {
	switch {
	case strings.EqualFold(flow.CallStatus.Value, "COMPLETED"):
		return answered
	case strings.EqualFold(flow.CallStatus.Value, "MISSED"):
		return missed
	case flow.TalkTime > 0:
		return answered
	default:
		return noResult
	}
}

// addFlows takes the caller, destination, direction and trunk from the first flow
// that has them, and the callee from the last flow with talk time.
func (x *extractor) addFlows(flows events.Flows) {
	sorted := slices.SortedStableFunc(slices.Values(flows), func(a, b events.Flow) int { return cmp.Compare(a.FlowIndex, b.FlowIndex) })
	talked := false
	for _, flow := range sorted {
		x.addFlowTimes(&flow)
		if flow.TalkTime > 0 || !talked {
			x.addParty(&x.Callee, flow.Callee)
		}
		talked = talked || flow.TalkTime > 0
	}
	for _, flow := range slices.Backward(sorted) {
		x.addParty(&x.Caller, flow.Caller)
		x.set(&x.Direction, string(directionOf(flow.Direction)))
		x.set(&x.Destination, flow.Destination.Value)
		x.set(&x.Trunk, flow.TrunkName.Value)
	}
	x.Talked = x.Talked || talked
}

func (x *extractor) addFlowTimes(flow *events.Flow) {
	if !flow.StartTime.IsZero() {
		x.FlowStart = earliest(x.FlowStart, flow.StartTime.UnixMilli())
	}
	if !flow.EndTime.IsZero() {
		x.FlowEnd = max(x.FlowEnd, flow.EndTime.UnixMilli())
	}
}
