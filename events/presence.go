package events

// A Presence is the data of the presence events: how a user, a user's phone or
// a conference is to be reached. What a type does not tell is null.
type Presence struct {
	Extension Text `json:"extension"`
	Email     Text `json:"email"`
	// Status is, on presence:telephony, registered, ringing or talking.
	Status   Text `json:"status"`
	Until    Text `json:"until"`
	Message  Text `json:"message"`
	Location Text `json:"location"`
}

// An SMS is the data of sms:status: what became of a text message.
type SMS struct {
	ID      Text `json:"id"`
	From    Text `json:"from"`
	To      Text `json:"to"`
	Status  Text `json:"status"`
	Reason  Text `json:"reason"`
	Channel Text `json:"channel"`
	Parts   Text `json:"parts"`
}
