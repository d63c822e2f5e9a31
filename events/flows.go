package events

import "encoding/json"

// maxFlows is how many flows are read. A body has room for so many empty ones
// that they would take a thousand times its size.
const maxFlows = 1000

// Flows are the flows of a call, the first thousand of them. They are nil when
// null, and empty but not nil when empty.
type Flows []Flow

// UnmarshalJSON reads an array or null and leaves the flows as they are when
// it meets anything else. It never fails on valid JSON.
func (f *Flows) UnmarshalJSON(data []byte) error {
	var each []json.RawMessage
	if json.Unmarshal(data, &each) != nil {
		return nil
	}
	*f = nil
	if each != nil {
		*f = make(Flows, min(len(each), maxFlows))
	}
	for i := range *f {
		_ = json.Unmarshal(each[i], &(*f)[i]) // a field of another shape is left at zero
	}
	return nil
}
