package events

// newData returns empty data for an event's type: a pointer, or nil if the type has no typed
// data.
func newData(eventType string) any {
	switch eventType {
	case CallStart, CallUpdate, CallEnd:
		return new(Call)
	case CallLiveProgress, CallLiveCompleted, CallLiveInterrupted, CallLiveTranscription:
		return new(LiveCall)
	case CallCompleted:
		return new(CompletedCall)
	case CallFinished:
		return new(FinishedCall)
	case PresenceUser, PresenceTelephony, PresenceConference:
		return new(Presence)
	case SMSStatus:
		return new(SMS)
	default:
		return nil
	}
}

// readFields reads an object over data of newData.
func (d *decoder) readFields(data any) {
	switch data := data.(type) {
	case *Call:
		d.ReadObject(func(name []byte) bool { return d.readCallField(data, name) })
	case *LiveCall:
		d.ReadObject(func(name []byte) bool { return d.readLiveCallField(data, name) })
	case *CompletedCall:
		d.ReadObject(func(name []byte) bool { return d.readCompletedCallField(data, name) })
	case *FinishedCall:
		d.ReadObject(func(name []byte) bool { return d.readFinishedCallField(data, name) })
	case *Presence:
		d.ReadObject(func(name []byte) bool { return d.readText(data.text(name)) })
	case *SMS:
		d.ReadObject(func(name []byte) bool { return d.readText(data.text(name)) })
	default:
		d.Skip()
	}
}

// onePass is the size of the largest body whose data is read along with the envelope. The
// data of a larger one is read when its type is certain: read for the wrong type first, it
// would cost twice the memory.
const onePass = 64 << 10

// readData reads the data, and if it is repeated reads it over the first, for the type that
// came before the first.
func (d *decoder) readData(env *envelope) {
	if !env.hasData {
		env.hasData = true
		if !env.large {
			env.dataType = env.event.Type
		}
		env.event.Data = newData(env.dataType)
	}
	d.readFields(env.event.Data)
}

// completeData reads the body a second time if the data was not read for the event's type.
func (env *envelope) completeData(body []byte) {
	if env.hasData && env.dataType == env.event.Type {
		return
	}
	data := newData(env.event.Type)
	env.event.Data = data
	if !env.hasData || data == nil {
		return
	}
	d := newDecoder(body)
	d.ReadObject(func(name []byte) bool {
		if string(name) != "data" {
			return false
		}
		d.readFields(data)
		return true
	})
}

func (d *decoder) readCallField(c *Call, name []byte) bool {
	switch string(name) {
	case "caller":
		d.readParticipant(&c.Caller)
	case "callee":
		d.readParticipant(&c.Callee)
	case "tags":
		d.ReadStrings(&c.Tags)
	case "flags":
		d.ReadStrings(&c.Flags)
	default:
		return d.readText(c.text(name))
	}
	return true
}

func (d *decoder) readLiveCallField(c *LiveCall, name []byte) bool {
	switch string(name) {
	case "id":
		return d.readText(&c.ID)
	case "direction":
		return d.readText(&c.Direction)
	case "flows":
		d.readFlows(&c.Flows)
		return true
	default:
		return d.readCallField(&c.Call, name)
	}
}

func (d *decoder) readCompletedCallField(c *CompletedCall, name []byte) bool {
	switch string(name) {
	case "time":
		d.readTimestamp(&c.Time)
	case "licenses":
		d.ReadStrings(&c.Licenses)
	case "flows":
		d.readFlows(&c.Flows)
	default:
		return d.readText(c.text(name))
	}
	return true
}
