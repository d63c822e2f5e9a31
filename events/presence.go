package events

// A Presence is the data of the presence events: the state of a user, a user's phone
// or a conference. Fields that an event's type does not have are null.
type Presence struct {
	Extension Text `json:"extension"`
	Email     Text `json:"email"`
	// Status is registered, ringing or talking on presence:telephony.
	Status   Text `json:"status"`
	Until    Text `json:"until"`
	Message  Text `json:"message"`
	Location Text `json:"location"`
}

// text returns the Text field of that JSON name, or nil.
func (p *Presence) text(name []byte) *Text {
	switch string(name) {
	case "extension":
		return &p.Extension
	case "email":
		return &p.Email
	case "status":
		return &p.Status
	case "until":
		return &p.Until
	case "message":
		return &p.Message
	case "location":
		return &p.Location
	default:
		return nil
	}
}

// An SMS is the data of sms:status, the delivery status of a text message.
type SMS struct {
	ID      Text `json:"id"`
	From    Text `json:"from"`
	To      Text `json:"to"`
	Status  Text `json:"status"`
	Reason  Text `json:"reason"`
	Channel Text `json:"channel"`
	Parts   Text `json:"parts"`
}

// text returns the Text field of that JSON name, or nil.
func (s *SMS) text(name []byte) *Text {
	switch string(name) {
	case "id":
		return &s.ID
	case "from":
		return &s.From
	case "to":
		return &s.To
	case "status":
		return &s.Status
	case "reason":
		return &s.Reason
	case "channel":
		return &s.Channel
	case "parts":
		return &s.Parts
	default:
		return nil
	}
}
