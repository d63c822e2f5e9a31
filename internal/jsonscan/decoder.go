// Package jsonscan decodes JSON in one pass, as encoding/json does but in a
// fraction of the time, into values that the caller names field by field.
//
// It accepts and rejects the same texts as encoding/json, and reads the same values from
// them: field names match in any case, a value of the wrong type leaves the target
// unchanged, and a repeated object or array is read over the first one. So a program that
// routes events by one decoder and handles them by the other does not see two different
// events. The tests compare it with encoding/json; so do those of package events.
//
// Delete this package when encoding/json/v2, which also decodes in one pass, is no longer
// an experiment (GOEXPERIMENT=jsonv2).
package jsonscan

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A Decoder decodes one JSON text. Its methods read the next value; those named
// Read leave their target unchanged if the value has another type. After a syntax
// error they read nothing more, and [Decoder.End] returns it.
type Decoder struct {
	scanner
	names   [][]byte
	strings strings.Builder // the strings that were read last; never grows, as others use its memory
	listed  int             // elements that ReadStrings has read
}

const (
	// maxElements is how many elements ReadStrings reads from one text.
	maxElements = 10_000
	// maxName is the length of the longest name that may be known, however it is escaped.
	maxName = 256
	// maxChunk limits the memory that strings share.
	maxChunk = 64 << 10
)

// NewDecoder returns a decoder of the text. names are the field names that the caller
// reads, of all objects; without any, names match in their own case only. room is how many
// bytes of strings are likely to be read: the memory for them is allocated at once.
func NewDecoder(text []byte, names [][]byte, room int) *Decoder {
	d := &Decoder{scanner: scanner{text: text}, names: names}
	d.strings.Grow(min(len(text), room))
	return d
}

// A SyntaxError is the error of a text that is not JSON.
type SyntaxError struct {
	// Offset is the number of bytes up to the first wrong one, including it.
	Offset int
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("not JSON at byte %d", e.Offset) }

// End returns a *[SyntaxError] unless the text was a single JSON value.
func (d *Decoder) End() error {
	if d.Peek(); d.pos < len(d.text) {
		d.fail()
	}
	if d.failed {
		return &SyntaxError{Offset: d.wrong}
	}
	return nil
}

// ReadObject calls readField for each field of an object, with its name. readField reads
// the value and returns true, or returns false if it does not know the name. Then it is
// called again with the known name that differs only in case; if there is none, the value
// is skipped. The name is valid until the value is read.
func (d *Decoder) ReadObject(readField func(name []byte) bool) {
	if d.Peek() != '{' {
		d.Skip()
		return
	}
	for more := d.open('}'); more; more = d.more('}') {
		name := d.fieldName()
		if !readField(name) && !readField(d.knownName(name)) {
			d.Skip()
		}
	}
}

// fieldName moves past the name of a field and the colon and returns the name, or nil if
// it is longer than any known name.
func (d *Decoder) fieldName() []byte {
	switch content, plain := d.name(); {
	case plain:
		return content
	case len(content) > maxName:
		return nil
	default:
		var name strings.Builder
		unquote(&name, content)
		return []byte(name.String())
	}
}

// knownName returns the known name that equals name except for case, or nil.
func (d *Decoder) knownName(name []byte) []byte {
	for _, known := range d.names {
		if bytes.EqualFold(known, name) {
			return known
		}
	}
	return nil
}

// ReadArray calls readElement for each element of an array, to read it.
func (d *Decoder) ReadArray(readElement func()) {
	if d.Peek() != '[' {
		d.Skip()
		return
	}
	for more := d.open(']'); more; more = d.more(']') {
		readElement()
	}
}

// ReadString reads a string.
func (d *Decoder) ReadString(s *string) {
	if d.Peek() != '"' {
		d.Skip()
		return
	}
	*s = d.String()
}

// ReadStrings reads an array of strings, or null, which is nil. It reads the first 10,000
// elements of a text and skips the others, as a short element takes several times its JSON
// in memory.
func (d *Decoder) ReadStrings(list *[]string) {
	switch d.Peek() {
	case '[':
		*list = d.elements((*list)[:0])
	case 'n':
		d.Skip()
		*list = nil
	default:
		d.Skip()
	}
}

// elements reads an array over the elements that an earlier one left in the list's
// memory, which remain where this one has no string.
func (d *Decoder) elements(list []string) []string {
	for more := d.open(']'); more; more = d.more(']') {
		if d.listed == maxElements {
			d.Skip()
			continue
		}
		d.listed++
		if len(list) == cap(list) {
			list = slices.Grow(list, max(1, len(list)))
		}
		list = list[:len(list)+1]
		d.ReadString(&list[len(list)-1])
	}
	if len(list) == 0 {
		return []string{} // nil would mean null
	}
	return list
}

// String returns the next value, which must be a string: Peek has returned a quote.
func (d *Decoder) String() string {
	content, n, plain := d.quoted()
	if plain {
		return d.Keep(content)
	}
	b := d.room(n)
	start := b.Len()
	unquote(b, content)
	return b.String()[start:]
}

// AppendString appends the next value to a text, in the least time. It must be a string, as
// for [Decoder.String].
func (d *Decoder) AppendString(to []byte) []byte { return d.unquoteNext(to) }

// Keep returns s as a string that shares memory with the decoder's other strings,
// and not with the text.
func (d *Decoder) Keep(s []byte) string {
	b := d.room(len(s))
	start := b.Len()
	b.Write(s)
	return b.String()[start:]
}

// room returns a builder with room for n bytes. All of them together allocate little more
// than the strings need.
func (d *Decoder) room(n int) *strings.Builder {
	switch free := d.strings.Cap() - d.strings.Len(); {
	case n <= free:
	case n > maxChunk/4: // leaves the rest of the chunk to others
		large := new(strings.Builder)
		large.Grow(n)
		return large
	default:
		size := max(min(2*d.strings.Cap(), maxChunk), n)
		d.strings.Reset()
		d.strings.Grow(size)
	}
	return &d.strings
}
