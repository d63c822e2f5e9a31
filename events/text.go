package events

import (
	"encoding/json"
	"errors"
)

// A Text is a string that may be null. Value is empty if it is null; Valid
// distinguishes an empty string from null.
type Text struct {
	Value string
	Valid bool // false if null or absent
}

// String returns the value, which is empty if the text is null.
func (t Text) String() string { return t.Value }

// MarshalJSON writes a string or null.
func (t Text) MarshalJSON() ([]byte, error) {
	if !t.Valid {
		return []byte("null"), nil
	}
	return json.Marshal(t.Value)
}

// UnmarshalJSON reads a string or null. A number or a boolean becomes its JSON text, and
// anything else null, so that a field whose type the sender changes does not fail the
// event. It never fails on valid JSON.
func (t *Text) UnmarshalJSON(data []byte) error {
	*t = Text{}
	if len(data) == 0 {
		return errors.New("events: empty JSON for a text")
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

// isPlain reports whether a JSON string is ASCII without escapes, as most are, so
// that it need not be decoded.
func isPlain(s []byte) bool {
	for _, c := range s {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
