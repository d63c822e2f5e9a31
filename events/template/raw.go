package template

import (
	"bytes"
	"encoding/json"
	"strings"
)

// field returns a field of the event's JSON by its path, such as data.parts. It is empty if
// the field is null or missing. Objects and lists are JSON.
func (r *run) field(path string) (string, error) {
	value := r.event.raw
	for name := range strings.SplitSeq(path, ".") {
		if err := r.spend(len(value)); err != nil {
			return "", err
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return "", nil
		}
		value = object[name]
	}
	if bytes.Equal(value, []byte("null")) {
		return "", nil
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return r.result(text)
	}
	return r.result(string(value))
}
