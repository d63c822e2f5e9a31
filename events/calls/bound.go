package calls

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxText is how many bytes are kept of a text of a call, such as a name or a queue. A text
// that is longer is cut at the end. An ID or company that is longer ends with a hash of all of it,
// so that calls stay distinct.
//
// A call has at most 25 texts, and no lists. So its [Record] has at most 25 kB of text,
// whatever its events are; in JSON, which may need six bytes for one, 150 kB.
const MaxText = 1000

// maxStrings is how many strings a value has at most: those of a Party.
const maxStrings = 7

// bound cuts the texts to at most limit bytes.
func (f *Facts) bound(limit int) {
	f.ID, f.Company = distinct(f.ID, limit), distinct(f.Company, limit)
	for _, v := range f.values() {
		v.Strings = v.Strings[:min(len(v.Strings), maxStrings)]
		for i, s := range v.Strings {
			if len(s) > limit {
				v.Strings[i] = cut(s, limit)
			}
		}
	}
}

// values returns all values of the latest event.
func (f *Facts) values() [10]*latest {
	return [...]*latest{&f.PBX, &f.Status, &f.Caller, &f.Callee, &f.Direction, &f.Destination, &f.Queue, &f.Trunk, &f.EndCause, &f.EndBy}
}

// UnmarshalJSON decodes facts. It cuts texts to [MaxText], since facts that an earlier
// version stored may have longer ones.
func (f *Facts) UnmarshalJSON(text []byte) error {
	type plain Facts // without this method
	if err := json.Unmarshal(text, (*plain)(f)); err != nil {
		return err
	}
	f.bound(MaxText)
	return nil
}

// cut returns the first bytes of a text, at most limit, without half a character. The result
// does not keep the memory of a longer text.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.Clone(s[:limit])
}

// distinct cuts a text, and ends it with the hash of all of it.
func distinct(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	hash := sha256.Sum256([]byte(s))
	suffix := "#" + hex.EncodeToString(hash[:])
	return cut(s, max(limit-len(suffix), 0)) + suffix
}

// own replaces texts, so that they may be kept longer than the event that they are from. The
// texts of an event may share one piece of memory, up to 1 MiB, which a single short text would
// keep alive. A value becomes the one that known has, whose texts are owned, or a copy.
func (f *Facts) own(known *Facts) {
	if f.Company == known.Company && f.ID == known.ID {
		f.Company, f.ID = known.Company, known.ID
	} else {
		both := strings.Clone(f.Company + f.ID)
		f.Company, f.ID = both[:len(f.Company)], both[len(f.Company):]
	}
	var changed [10]*latest
	n := 0
	before := known.values()
	for i, v := range f.values() {
		switch from := before[i]; {
		case len(v.Strings) == 0 || len(from.Strings) > 0 && &v.Strings[0] == &from.Strings[0]:
		case slices.Equal(v.Strings, from.Strings):
			v.Strings = from.Strings
		default:
			changed[n] = v
			n++
		}
	}
	if known.First == 0 { // the first event of its call
		cloneTogether(changed[:n]...)
		return
	}
	// One value that stays would keep the memory of others that have changed since.
	for i := range n {
		cloneTogether(changed[i])
	}
}

// cloneTogether replaces the texts of values by copies that share one piece of memory.
func cloneTogether(values ...*latest) {
	count, size := 0, 0
	for _, v := range values {
		count += len(v.Strings)
		for _, text := range v.Strings {
			size += len(text)
		}
	}
	if count == 0 {
		return
	}
	texts := make([]string, 0, count)
	var all strings.Builder
	all.Grow(size)
	for _, v := range values {
		from := len(texts)
		for _, text := range v.Strings {
			start := all.Len()
			all.WriteString(text)
			texts = append(texts, all.String()[start:])
		}
		v.Strings = texts[from:len(texts):len(texts)]
	}
}
