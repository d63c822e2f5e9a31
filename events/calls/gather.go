package calls

import (
	"cmp"
	"slices"
	"strings"

	"wildix-worker/events"
)

// FactsOf returns what the event says of its call, and false if it is not
// about a call or not of a type with typed data.
//
// Which call it is about says the id in the data of the newer events if there
// is one, else the event's own.
func FactsOf(e *events.Event) (f Facts, ok bool) {
	g := gathering{eventType: e.Type, at: e.Time.UnixMilli()}
	g.ID, g.Company = e.ID, e.Company
	g.First, g.Last = g.at, g.at
	g.say(&g.PBX, e.PBX)
	switch data := e.Data.(type) {
	case *events.Call:
		g.addCall(data)
	case *events.LiveCall:
		g.addLive(data)
	case *events.CompletedCall:
		g.addCompleted(data)
	default:
		return Facts{}, false
	}
	return g.Facts, true
}

// A gathering takes the facts of one event together.
type gathering struct {
	Facts
	eventType string
	at        int64
}

// say sets what the event says, if it says anything.
func (g *gathering) say(w *word, strings ...string) {
	for _, s := range strings {
		if s != "" {
			*w = word{At: g.at, Rank: rankOf(g.eventType), Strings: strings}
			return
		}
	}
}

func (g *gathering) addCall(c *events.Call) {
	talking := strings.EqualFold(c.Status.Value, "TALKING")
	g.Talked = g.Talked || talking
	if g.eventType == events.CallStart {
		g.Started = g.at
	}
	switch g.eventType {
	case events.CallEnd, events.CallLiveCompleted, events.CallLiveInterrupted:
		g.Ended = g.at
	default:
		if talking {
			g.Talking = g.at
		}
	}
	g.say(&g.Status, c.Status.Value)
	g.addParty(&g.Caller, c.Caller)
	g.addParty(&g.Callee, c.Callee)
	g.say(&g.Destination, c.Destination.Value)
	g.say(&g.Queue, c.QueueName.Value)
	g.say(&g.Trunk, c.TrunkName.Value)
	g.addEnd(c.EndCause, c.EndCauseStr, c.EndBy)
}

func (g *gathering) addEnd(cause, causeStr, by events.Text) {
	g.say(&g.EndCause, cause.Value, causeStr.Value)
	g.say(&g.EndBy, by.Value)
}

func (g *gathering) addParty(w *word, p *events.Participant) {
	if p != nil && (p.Phone.Value != "" || p.Name.Value != "" || p.UserExtension.Value != "" || p.Email.Value != "") {
		g.say(w, p.Type.Value, p.Phone.Value, p.Name.Value, p.Company.Value, p.Email.Value, p.UserExtension.Value, p.GroupName.Value)
	}
}

func (g *gathering) addLive(l *events.LiveCall) {
	g.ID = cmp.Or(l.ID.Value, g.ID)
	g.addFlows(l.Flows) // first, since what the event says of the call as a whole counts for more
	g.addCall(&l.Call)
	g.say(&g.Direction, string(directionOf(l.Direction)))
}

func (g *gathering) addCompleted(c *events.CompletedCall) {
	g.ID = cmp.Or(c.ID.Value, g.ID)
	g.Company = cmp.Or(g.Company, c.Company.Value)
	if g.PBX.IsZero() {
		g.say(&g.PBX, c.PBX.Value)
	}
	g.Completed = g.at
	g.addEnd(c.EndCause, c.EndCauseStr, c.EndBy)
	g.addFlows(c.Flows)
	for _, flow := range c.Flows {
		g.Verdict = max(g.Verdict, verdictOf(&flow))
	}
}

func verdictOf(flow *events.Flow) verdict {
	switch {
	case strings.EqualFold(flow.CallStatus.Value, "COMPLETED"):
		return answered
	case strings.EqualFold(flow.CallStatus.Value, "MISSED"):
		return missed
	case flow.TalkTime > 0:
		return answered
	default:
		return noVerdict
	}
}

// addFlows takes who called, where to and in which direction from the first
// flow that says it, and who was reached from the last one that talked.
func (g *gathering) addFlows(flows events.Flows) {
	inOrder := slices.SortedStableFunc(slices.Values(flows), func(a, b events.Flow) int { return cmp.Compare(a.FlowIndex, b.FlowIndex) })
	talked := false
	for _, flow := range inOrder {
		g.addFlowTimes(&flow)
		if flow.TalkTime > 0 || !talked {
			g.addParty(&g.Callee, flow.Callee)
		}
		talked = talked || flow.TalkTime > 0
	}
	for _, flow := range slices.Backward(inOrder) {
		g.addParty(&g.Caller, flow.Caller)
		g.say(&g.Direction, string(directionOf(flow.Direction)))
		g.say(&g.Destination, flow.Destination.Value)
		g.say(&g.Trunk, flow.TrunkName.Value)
	}
	g.Talked = g.Talked || talked
}

func (g *gathering) addFlowTimes(flow *events.Flow) {
	if !flow.StartTime.IsZero() {
		g.FlowStart = earliestOf(g.FlowStart, flow.StartTime.UnixMilli())
	}
	if !flow.EndTime.IsZero() {
		g.FlowEnd = max(g.FlowEnd, flow.EndTime.UnixMilli())
	}
}

func directionOf(t events.Text) Direction {
	switch strings.ToUpper(t.Value) {
	case "INBOUND", "INCOMING":
		return Inbound
	case "OUTBOUND", "OUTGOING":
		return Outbound
	case "INTERNAL":
		return Internal
	default:
		return ""
	}
}
