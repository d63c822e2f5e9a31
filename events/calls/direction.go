package calls

import (
	"cmp"
	"strings"

	"wildix-worker/events"
)

// DirectionOf returns the direction of a call as far as one of its events says. It is cheaper
// than [FactsOf], and empty if the direction is unknown or the event is not about a call.
func DirectionOf(e *events.Event) Direction {
	switch data := e.Data.(type) {
	case *events.Call:
		return directionOfParties(typeOf(data.Caller), typeOf(data.Callee), data.TrunkName.Value)
	case *events.LiveCall:
		return cmp.Or(directionOf(data.Direction), directionOfFlows(data.Flows),
			directionOfParties(typeOf(data.Caller), typeOf(data.Callee), data.TrunkName.Value))
	case *events.CompletedCall:
		return directionOfFlows(data.Flows)
	case *events.FinishedCall:
		return directionOf(data.Direction)
	default:
		return ""
	}
}

func typeOf(p *events.Participant) string {
	if p == nil {
		return ""
	}
	return p.Type.Value
}

// directionOfFlows returns the first direction that a flow names.
func directionOfFlows(flows events.Flows) Direction {
	for _, flow := range flows {
		if d := directionOf(flow.Direction); d != "" {
			return d
		}
	}
	return ""
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

// directionOfParties returns the direction that follows from the types of the parties: a call
// from an extension over a trunk is outbound, even if nobody was reached.
func directionOfParties(caller, callee, trunk string) Direction {
	const local, remote = "LOCAL", "REMOTE"
	switch {
	case caller == remote:
		return Inbound
	case caller == local && (callee == remote || callee == "" && trunk != ""):
		return Outbound
	case caller == local && callee == local:
		return Internal
	default:
		return ""
	}
}
