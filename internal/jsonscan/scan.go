package jsonscan

import "unicode/utf8"

// maxDepth is how deeply encoding/json lets arrays and objects nest.
const maxDepth = 10_000

// A scanner reads JSON once, from front to back, and accepts exactly what encoding/json
// accepts. It ends the text at the first wrong byte, so that the caller reads nothing
// beyond it, and needs to check for a failure only once, at the end.
type scanner struct {
	text   []byte
	pos    int // of the next byte; never beyond the text
	depth  int // open arrays and objects
	failed bool
	wrong  int // number of the first wrong byte, from 1; if bytes are missing, of the last one
}

func (s *scanner) fail() {
	if s.failed {
		return
	}
	s.failed = true
	s.wrong = min(s.pos+1, len(s.text))
	s.text = s.text[:s.pos]
}

// at returns the next byte, or 0 at the end. A 0 in the text is as wrong as the
// end wherever at is called.
func (s *scanner) at() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// accept moves past the next byte if it is c.
func (s *scanner) accept(c byte) bool {
	if s.at() != c {
		return false
	}
	s.pos++
	return true
}

// Peek moves past white space and returns the byte after it, or 0 at the end.
func (s *scanner) Peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// open moves into the next array or object, and reports whether it has elements.
// closing is the bracket at its end.
func (s *scanner) open(closing byte) bool {
	if s.depth == maxDepth {
		s.fail()
		return false
	}
	s.depth++
	s.pos++
	if s.Peek() == closing {
		s.close()
		return false
	}
	return true
}

// more moves past a comma and returns true, or past the closing bracket and
// returns false.
func (s *scanner) more(closing byte) bool {
	switch s.Peek() {
	case ',':
		s.pos++
		return true
	case closing:
		s.close()
	default:
		s.fail()
	}
	return false
}

func (s *scanner) close() {
	s.depth--
	s.pos++
}

// Skip moves past the next value.
func (s *scanner) Skip() {
	switch s.Peek() {
	case '{':
		for more := s.open('}'); more; more = s.more('}') {
			s.name()
			s.Skip()
		}
	case '[':
		for more := s.open(']'); more; more = s.more(']') {
			s.Skip()
		}
	case '"':
		s.quoted()
	case 'n':
		s.literal("null")
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	default:
		s.number()
	}
}

// Raw moves past the next value and returns its JSON.
func (s *scanner) Raw() []byte {
	s.Peek()
	start := s.pos
	s.Skip()
	return s.text[start:s.pos]
}

// name moves past the name of a field and the colon, and returns the name as it is written.
func (s *scanner) name() (content []byte, plain bool) {
	if s.Peek() != '"' {
		s.fail()
		return nil, true
	}
	content, _, plain = s.quoted()
	if s.Peek() != ':' {
		s.fail()
		return nil, true
	}
	s.pos++
	return content, plain
}

// quoted moves past the next string and returns what is between its quotes. It stands for n
// bytes at most, and for itself if it is plain: UTF-8 without escapes, as most strings are.
func (s *scanner) quoted() (content []byte, n int, plain bool) {
	s.pos++
	start := s.pos
	plain = true
	for {
		run := ordinary(s.text[s.pos:])
		s.pos += run
		n += run
		switch c := s.at(); {
		case c == '"':
			content = s.text[start:s.pos]
			s.pos++
			return content, n, plain
		case c == '\\':
			plain = false
			s.pos++
			n += s.escaped()
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(s.text[s.pos:])
			plain = plain && (r != utf8.RuneError || size > 1)
			s.pos += size
			n += utf8.RuneLen(r)
		default:
			s.fail()
			return nil, 0, true
		}
	}
}

// ordinary counts the bytes before the first that has a meaning within a string or
// is not ASCII.
func ordinary(text []byte) int {
	for i, c := range text {
		if special[c] {
			return i
		}
	}
	return len(text)
}

// special has true for what is not ordinary.
var special = func() (table [256]bool) {
	for c := range table {
		table[c] = c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\'
	}
	return table
}()

// escaped moves past the rest of an escape, after its backslash, and returns how many bytes
// it stands for at most.
func (s *scanner) escaped() int {
	switch s.at() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return 1
	case 'u':
		s.pos++
		for range 4 {
			if !isHex(s.at()) {
				s.fail()
				return 0
			}
			s.pos++
		}
		return utf8.UTFMax - 1 // the fourth byte takes two escapes
	default:
		s.fail()
		return 0
	}
}

// literal moves past null, true or false.
func (s *scanner) literal(literal string) {
	for i := range len(literal) {
		if !s.accept(literal[i]) {
			s.fail()
			return
		}
	}
}

// number moves past a number, and fails on anything that is no value.
func (s *scanner) number() {
	s.accept('-')
	if !s.accept('0') {
		s.digits()
	}
	if s.accept('.') {
		s.digits()
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		s.digits()
	}
}

// digits moves past one or more digits.
func (s *scanner) digits() {
	if !isDigit(s.at()) {
		s.fail()
	}
	for isDigit(s.at()) {
		s.pos++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
