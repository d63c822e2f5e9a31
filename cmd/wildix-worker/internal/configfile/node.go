package configfile

import (
	"strconv"
	"strings"
)

// A Kind is the kind of a value in the file.
type Kind int

// The kinds of values. A Null is a key without a value.
const (
	Null Kind = iota
	Text
	Integer
	Decimal
	Boolean
	List
	Mapping
)

var kindNames = [...]string{"nothing", "text", "a whole number", "a decimal number", "true or false", "a list", "a mapping"}

func (k Kind) String() string { return kindNames[k] }

// A Node is a value of the file, with its position.
type Node struct {
	Kind         Kind
	Line, Column int
	// Path is the path of keys to the value, such as "destinations.crm.on[0]".
	Path string
	// Value is the text of a scalar, with the variables in it replaced.
	Value string
	// Inline reports whether Value stands in the file as it is, on one line, so that a
	// position in it is one in the file.
	Inline  bool
	Items   []*Node // of a List
	Entries []Entry // of a Mapping

	broken    bool   // a fault of it is known
	missing   string // environment variable that it names and that is not set
	secret    bool
	variables []variable // that were replaced
}

// An Entry is a key of a mapping, with its value.
type Entry struct {
	Name         string
	Line, Column int
	Value        *Node
}

// A variable is an environment variable that a value names.
type variable struct{ name, value string }

// FromEnvironment reports whether a variable has been replaced in the value.
func (n *Node) FromEnvironment() bool { return len(n.variables) > 0 }

// Hide returns a text about the value without what is secret: the values of variables, and
// the value itself if its key says that it is secret.
func (n *Node) Hide(text string) string {
	for _, v := range n.variables {
		text = hide(text, v.value, "${"+v.name+"}")
	}
	if n.secret && n.Value != "" {
		text = hide(text, n.Value, "(hidden)")
	}
	for _, item := range n.Items {
		text = item.Hide(text)
	}
	for _, entry := range n.Entries {
		text = entry.Value.Hide(text)
	}
	return text
}

// hide replaces a value, also where it is quoted.
func hide(text, value, by string) string {
	const short = 4 // found in too many words
	if len(value) < short {
		return strings.ReplaceAll(text, strconv.Quote(value), strconv.Quote(by))
	}
	quoted := strings.Trim(strconv.Quote(value), `"`)
	return strings.ReplaceAll(strings.ReplaceAll(text, value, by), quoted, by)
}

// markSecret marks a value, and all values in it, as secret.
func (n *Node) markSecret() {
	n.secret = true
	for _, item := range n.Items {
		item.markSecret()
	}
	for _, entry := range n.Entries {
		entry.Value.markSecret()
	}
}

// Display returns the value for a person, without secrets: ${NAME} for a variable.
func (n *Node) Display() string {
	switch {
	case n.secret && !n.FromEnvironment() && n.Kind != List && n.Kind != Mapping:
		return "(hidden)"
	case n.Kind == List:
		var items []string
		for _, item := range n.Items {
			items = append(items, item.Display())
		}
		return "[" + strings.Join(items, ", ") + "]"
	case n.Kind == Mapping:
		var entries []string
		for _, e := range n.Entries {
			entries = append(entries, e.Name+": "+e.Value.Display())
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case n.secret:
		var names []string
		for _, v := range n.variables {
			names = append(names, "${"+v.name+"}")
		}
		return strings.Join(names, "")
	default:
		return n.Hide(n.Value)
	}
}

// Get returns the value of a key of a mapping, or nil.
func (n *Node) Get(name string) *Node {
	for _, e := range n.Entries {
		if e.Name == name {
			return e.Value
		}
	}
	return nil
}
