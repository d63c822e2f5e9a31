package events

// A Call is the data of call:start, call:update and call:end: what is known
// of the call at the event's time. Anything may be null, and much of it is
// until the call has got that far.
type Call struct {
	// Status is the call's state, such as CONNECTING.
	Status Text `json:"status"`
	// Caller and Callee are nil while they are null.
	Caller *Participant `json:"caller"`
	Callee *Participant `json:"callee"`
	// Service is the dialplan service that handles the call.
	Service Text `json:"service"`
	// Destination is the number that was dialled.
	Destination Text `json:"destination"`
	TrunkName   Text `json:"trunkName"`
	QueueName   Text `json:"queueName"`
	QueueID     Text `json:"queueId"`
	// Tags and Flags are nil when null, and empty but not nil when empty.
	Tags  []string `json:"tags"`
	Flags []string `json:"flags"`
	// EndCause is the Q.850 cause as the PBX writes it, such as "21", and
	// EndCauseStr its text, such as "Call Rejected". EndBy is who ended the
	// call, such as CALLER. All three are null before call:end.
	EndCause    Text `json:"endCause"`
	EndCauseStr Text `json:"endCauseStr"`
	EndBy       Text `json:"endBy"`
}

// A Participant is one side of a call.
type Participant struct {
	// Type is LOCAL (an extension of the PBX) or REMOTE.
	Type           Text `json:"type"`
	Phone          Text `json:"phone"`
	Name           Text `json:"name"`
	Company        Text `json:"company"`
	Email          Text `json:"email"`
	UserID         Text `json:"userId"`
	UserExtension  Text `json:"userExtension"`
	UserDepartment Text `json:"userDepartment"`
	GroupID        Text `json:"groupId"`
	GroupName      Text `json:"groupName"`
	UserAgent      Text `json:"userAgent"`
	UserDevice     Text `json:"userDevice"`
}
