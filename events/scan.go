package events

import "unicode/utf8"

// maxDepth is how deeply encoding/json lets arrays and objects nest.
const maxDepth = 10_000

// A scanner reads JSON once, from front to back, and takes exactly what
// encoding/json takes. The first wrong byte ends the text: whoever reads on
// finds nothing more, so that it is enough to ask once, at the end, whether
// the scanner failed.
type scanner struct {
	text   []byte
	pos    int // of the next byte; never beyond the text
	depth  int // arrays and objects that are open
	failed bool
	wrong  int // bytes up to the first wrong one, which counts, or to where one is missing
}

func (s *scanner) fail() {
	if s.failed {
		return
	}
	s.failed = true
	s.wrong = min(s.pos+1, len(s.text))
	s.text = s.text[:s.pos]
}

// at is the next byte, or 0 at the end. A 0 in the text is as wrong as the end
// wherever at is asked.
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

// peek moves past white space and returns the byte after it, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// end insists on there being no more.
func (s *scanner) end() {
	if s.peek(); s.pos < len(s.text) {
		s.fail()
	}
}

// open moves into the array or object that is next and reports whether there
// is anything in it. closing is the bracket that ends it.
func (s *scanner) open(closing byte) bool {
	if s.depth == maxDepth {
		s.fail()
		return false
	}
	s.depth++
	s.pos++
	if s.peek() == closing {
		s.close()
		return false
	}
	return true
}

// more moves past the comma and reports that there is something after it, or
// out of the array or object and reports that there is not.
func (s *scanner) more(closing byte) bool {
	switch s.peek() {
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

// skip moves past the next value.
func (s *scanner) skip() {
	switch s.peek() {
	case '{':
		for more := s.open('}'); more; more = s.more('}') {
			s.name()
			s.skip()
		}
	case '[':
		for more := s.open(']'); more; more = s.more(']') {
			s.skip()
		}
	case '"':
		s.quoted()
	case 'n':
		s.word("null")
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	default:
		s.number()
	}
}

// value moves past the value that is next and returns it as it is written.
func (s *scanner) value() []byte {
	start := s.pos
	s.skip()
	return s.text[start:s.pos]
}

// name moves past the name of a field and the colon, and returns what quoted
// returns.
func (s *scanner) name() (content []byte, plain bool) {
	if s.peek() != '"' {
		s.fail()
		return nil, true
	}
	content, plain = s.quoted()
	if s.peek() != ':' {
		s.fail()
		return nil, true
	}
	s.pos++
	return content, plain
}

// quoted moves past the string that is next and returns what stands between
// its quotes. It is plain if that is ASCII without escapes, as nearly always.
func (s *scanner) quoted() (content []byte, plain bool) {
	s.pos++
	start := s.pos
	plain = true
	for {
		s.pos += ordinary(s.text[s.pos:])
		switch c := s.at(); {
		case c == '"':
			content = s.text[start:s.pos]
			s.pos++
			return content, plain
		case c == '\\':
			plain = false
			s.pos++
			s.escaped()
		case c >= utf8.RuneSelf:
			plain = false
			s.pos++
		default:
			s.fail()
			return nil, true
		}
	}
}

// ordinary counts the bytes up to one that means something within a string,
// or is not ASCII.
func ordinary(text []byte) int {
	for i, c := range text {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(text)
}

// escaped moves past what follows a backslash.
func (s *scanner) escaped() {
	switch s.at() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
	case 'u':
		s.pos++
		for range 4 {
			if !isHex(s.at()) {
				s.fail()
				return
			}
			s.pos++
		}
	default:
		s.fail()
	}
}

// word moves past null, true or false.
func (s *scanner) word(word string) {
	for i := range len(word) {
		if !s.accept(word[i]) {
			s.fail()
			return
		}
	}
}

// number moves past a number. Whatever is no other value ends here and fails.
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

// digits moves past one digit or more.
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
