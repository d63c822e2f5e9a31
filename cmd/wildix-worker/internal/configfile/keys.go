package configfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Type is the type of a key's value.
type Type int

// The types of values.
const (
	TypeText Type = iota
	TypeCount
	TypeBoolean
	TypeDuration
	TypeList    // of texts, or one text
	TypeNumbers // a list of whole numbers
	TypeTexts   // a mapping of texts
)

var typeNames = [...]string{
	"text", "a whole number", "true or false", "a duration such as 30s", "a list", "a list of whole numbers", "a mapping of texts",
}

// A Key is the definition of one key of a mapping.
type Key struct {
	Name     string
	Type     Type
	Help     string
	Default  string   // as it is shown
	Values   []string // that the text can have; empty if it can have any
	Required bool
	Secret   bool // its value is not shown
	// Instead is set if the value must be a variable of the environment: what to write
	// instead of a value that stands in the file.
	Instead string
}

// Check adds what is wrong with the keys of a mapping and the types of their values.
func (f *Faults) Check(n *Node, keys []Key, others ...string) {
	byName := make(map[string]Key)
	for _, k := range keys {
		byName[k.Name] = k
	}
	names := slices.Concat(slices.Sorted(maps.Keys(byName)), others)
	for _, e := range n.Entries {
		key, ok := byName[e.Name]
		switch {
		case ok:
			f.checkValue(e.Value, key)
		case !slices.Contains(others, e.Name):
			f.atKey(e, join(n.Path, e.Name), "unknown key%s", Nearest(e.Name, names))
		}
	}
	for _, k := range keys {
		if k.Required && n.Get(k.Name) == nil {
			f.At(n, "%s is missing: %s", k.Name, lowerFirst(k.Help))
		}
	}
}

func lowerFirst(text string) string {
	text, _, _ = strings.Cut(text, ". ")
	text = strings.TrimSuffix(text, ".")
	return strings.ToLower(text[:1]) + text[1:]
}

// checkValue adds what is wrong with the type of a value.
func (f *Faults) checkValue(n *Node, key Key) {
	if key.Secret {
		n.markSecret()
	}
	if n.broken {
		return
	}
	var err error
	switch key.Type {
	case TypeList:
		if n.Kind == List {
			f.checkItems(n, Text)
			return
		}
		err = n.want(Text, key.Type)
	case TypeNumbers:
		if n.Kind == List {
			f.checkItems(n, Integer)
			return
		}
		err = n.want(List, key.Type)
	case TypeTexts:
		if n.Kind == Mapping {
			for _, e := range n.Entries {
				if err := e.Value.want(Text, TypeText); err != nil {
					f.At(e.Value, "%v", err)
				}
			}
			return
		}
		err = n.want(Mapping, key.Type)
	default:
		err = n.checkScalar(key)
	}
	if err != nil {
		f.At(n, "%v", err)
	}
}

func (n *Node) checkScalar(key Key) error {
	switch key.Type {
	case TypeCount:
		if err := n.want(Integer, key.Type); err != nil {
			return err
		}
		if value, err := strconv.Atoi(n.Value); err != nil || value < 1 {
			return fmt.Errorf("%s is not a whole number from 1", n.Value)
		}
		return nil
	case TypeBoolean:
		return n.want(Boolean, key.Type)
	case TypeDuration:
		if n.Kind == Integer || n.Kind == Decimal {
			return fmt.Errorf("%s has no unit: write %[1]ss for seconds, %[1]sm for minutes", n.Value)
		}
		if err := n.want(Text, key.Type); err != nil {
			return err
		}
		if d, err := time.ParseDuration(n.Value); err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration such as 30s or 5m", n.Value)
		}
		return nil
	default:
		if key.Instead != "" && !n.FromEnvironment() && n.Kind != List && n.Kind != Mapping {
			return errors.New("a secret can't stand in the file; " + key.Instead)
		}
		if err := n.want(Text, key.Type); err != nil {
			return err
		}
		if len(key.Values) > 0 && !slices.Contains(key.Values, n.Value) {
			return fmt.Errorf("%q is not one of %s%s", n.Value, strings.Join(key.Values, ", "), Nearest(n.Value, key.Values))
		}
		return nil
	}
}

func (f *Faults) checkItems(n *Node, kind Kind) {
	if len(n.Items) == 0 {
		f.At(n, "an empty list; leave the key out, or write at least one")
	}
	for _, item := range n.Items {
		if err := item.want(kind, TypeText); err != nil {
			f.At(item, "want %s, not %s%s", kind, item.describe(), item.quotes(kind))
		}
	}
}

// want returns an error if the value has another kind. Variables have any kind that their
// text can be read as.
func (n *Node) want(kind Kind, t Type) error {
	if n.broken {
		return nil
	}
	if n.Kind == Text && n.FromEnvironment() {
		switch _, err := strconv.Atoi(n.Value); {
		case kind == Integer && err == nil, kind == Boolean && (n.Value == "true" || n.Value == "false"):
			return nil
		}
	}
	if n.Kind == kind {
		return nil
	}
	return fmt.Errorf("want %s, not %s%s", typeNames[t], n.describe(), n.quotes(kind))
}

// quotes returns a hint at quotes if they make the value a text. Within braces the parser
// takes call:end for a mapping.
func (n *Node) quotes(want Kind) string {
	switch {
	case want != Text:
		return ""
	case n.Kind == Integer || n.Kind == Decimal || n.Kind == Boolean:
		return "; put it in quotes"
	case n.Kind == Mapping && len(n.Entries) == 1:
		return fmt.Sprintf("; put text with a colon in quotes: \"%s:...\"", n.Entries[0].Name)
	default:
		return ""
	}
}

func (n *Node) describe() string {
	switch {
	case n.Kind == List || n.Kind == Mapping || n.Kind == Null || n.secret:
		return n.Kind.String()
	case n.Kind == Text:
		return "the text " + strconv.Quote(shorten(n.Value))
	default:
		return n.Value
	}
}

func shorten(text string) string {
	const longest = 40
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return text
}
