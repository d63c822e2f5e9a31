package events

// readFlows does the same as [Flows.UnmarshalJSON].
func (d *decoder) readFlows(flows *Flows) {
	switch d.Peek() {
	case 'n':
		d.Skip()
		d.releaseFlows(flows)
		*flows = nil
	case '[':
		d.releaseFlows(flows)
		*flows = d.flows[:0]
		if *flows == nil {
			*flows = Flows{} // nil would mean null
		}
		d.ReadArray(func() { d.readFlow(flows) })
	default:
		d.Skip()
	}
}

// releaseFlows keeps the memory of flows.
func (d *decoder) releaseFlows(flows *Flows) {
	for i := range *flows {
		d.release(&(*flows)[i].Caller)
		d.release(&(*flows)[i].Callee)
	}
	if *flows != nil {
		d.flows = *flows
	}
}

// readFlow appends the next flow, unless there are too many.
func (d *decoder) readFlow(flows *Flows) {
	if len(*flows) == maxFlows {
		d.Skip()
		return
	}
	*flows = append(*flows, Flow{})
	f := &(*flows)[len(*flows)-1]
	d.ReadObject(func(name []byte) bool { return d.readFlowField(f, name) })
}

func (d *decoder) readFlowField(f *Flow, name []byte) bool {
	switch string(name) {
	case "startTime":
		d.readTimestamp(&f.StartTime)
	case "endTime":
		d.readTimestamp(&f.EndTime)
	case "caller":
		d.readParticipant(&f.Caller)
	case "callee":
		d.readParticipant(&f.Callee)
	case "tags":
		d.ReadStrings(&f.Tags)
	default:
		if n := f.number(name); n != nil {
			d.readNumber(n)
			return true
		}
		return d.readText(f.text(name))
	}
	return true
}

// number returns the number of that JSON name, or nil.
func (f *Flow) number(name []byte) *float64 {
	switch string(name) {
	case "flowIndex":
		return &f.FlowIndex
	case "duration":
		return &f.Duration
	case "connectTime":
		return &f.ConnectTime
	case "talkTime":
		return &f.TalkTime
	case "waitTime":
		return &f.WaitTime
	default:
		return nil
	}
}

// text returns the Text field of that JSON name, or nil.
func (f *Flow) text(name []byte) *Text {
	switch string(name) {
	case "serviceNumber":
		return &f.ServiceNumber
	case "destination":
		return &f.Destination
	case "direction":
		return &f.Direction
	case "trunkName":
		return &f.TrunkName
	case "trunkDirection":
		return &f.TrunkDirection
	case "remotePhone":
		return &f.RemotePhone
	case "callStatus":
		return &f.CallStatus
	default:
		return nil
	}
}
