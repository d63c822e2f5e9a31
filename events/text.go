package events

import (
	"encoding/json"
	"errors"
)

// A Text is a string that may be null. Value can be used as it is: it is
// empty when there is none. Valid tells an empty string from null.
type Text struct {
	Value string
	Valid bool // false when null or absent
}

// String returns the value; null is empty.
func (t Text) String() string { return t.Value }

// MarshalJSON writes a string or null.
func (t Text) MarshalJSON() ([]byte, error) {
	if !t.Valid {
		return []byte("null"), nil
	}
	return json.Marshal(t.Value)
}

// UnmarshalJSON reads a string or null. A number or a boolean is kept as it
// is written, and anything else is as null: a sender that changes a field's
// type is no reason to lose the rest. It never fails on valid JSON.
func (t *Text) UnmarshalJSON(data []byte) error {
	*t = Text{}
	if len(data) == 0 {
		return errors.New("events: no JSON for a text")
	}
	switch data[0] {
	case 'n', '{', '[':
		return nil
	case '"':
		t.Valid = true
		if plain := data[1 : len(data)-1]; isPlain(plain) {
			t.Value = string(plain)
			return nil
		}
		return json.Unmarshal(data, &t.Value)
	default:
		t.Value, t.Valid = string(data), true
		return nil
	}
}

// isPlain reports whether a JSON string stands for its own bytes: ASCII
// without escapes, which nearly all are.
func isPlain(s []byte) bool {
	for _, c := range s {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
