package events

// A Call is the data of call:start, call:update and call:end: what the PBX knows about
// the call at the event's time. Every field may be null, and many are null at first.
type Call struct {
	// Status is the call's state, such as CONNECTING.
	Status Text `json:"status"`
	// Caller and Callee are nil if they are null.
	Caller *Participant `json:"caller"`
	Callee *Participant `json:"callee"`
	// Service is the dialplan service that handles the call.
	Service Text `json:"service"`
	// Destination is the dialled number.
	Destination Text `json:"destination"`
	TrunkName   Text `json:"trunkName"`
	QueueName   Text `json:"queueName"`
	QueueID     Text `json:"queueId"`
	// Tags and Flags are nil if they are null, and empty but not nil if they are empty.
	Tags  []string `json:"tags"`
	Flags []string `json:"flags"`
	// EndCause is the Q.850 cause, such as "21", EndCauseStr its text, such as "Call
	// Rejected", and EndBy the side that ended the call, such as CALLER. All three
	// are null before call:end.
	EndCause    Text `json:"endCause"`
	EndCauseStr Text `json:"endCauseStr"`
	EndBy       Text `json:"endBy"`
}

// text returns the Text field of that JSON name, or nil.
func (c *Call) text(name []byte) *Text {
	switch string(name) {
	case "status":
		return &c.Status
	case "service":
		return &c.Service
	case "destination":
		return &c.Destination
	case "trunkName":
		return &c.TrunkName
	case "queueName":
		return &c.QueueName
	case "queueId":
		return &c.QueueID
	case "endCause":
		return &c.EndCause
	case "endCauseStr":
		return &c.EndCauseStr
	case "endBy":
		return &c.EndBy
	default:
		return nil
	}
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
	// Role (AGENT or CLIENT) and License are in events of newer PBXs.
	Role    Text `json:"role"`
	License Text `json:"license"`
}

// text returns the Text field of that JSON name, or nil.
func (p *Participant) text(name []byte) *Text {
	switch string(name) {
	case "type":
		return &p.Type
	case "phone":
		return &p.Phone
	case "name":
		return &p.Name
	case "company":
		return &p.Company
	case "email":
		return &p.Email
	case "userId":
		return &p.UserID
	case "userExtension":
		return &p.UserExtension
	case "userDepartment":
		return &p.UserDepartment
	case "groupId":
		return &p.GroupID
	case "groupName":
		return &p.GroupName
	case "userAgent":
		return &p.UserAgent
	case "userDevice":
		return &p.UserDevice
	case "role":
		return &p.Role
	case "license":
		return &p.License
	default:
		return nil
	}
}
