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
