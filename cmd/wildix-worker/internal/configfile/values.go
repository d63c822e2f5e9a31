package configfile

import (
	"net/http"
	"strconv"
	"time"
)

// The functions below return the value of a key that Check has found right, or zero if the
// mapping does not have it.

// Text returns a text.
func (n *Node) Text(name string) string {
	if v := n.Get(name); v != nil {
		return v.Value
	}
	return ""
}

// Count returns a whole number.
func (n *Node) Count(name string) int {
	value, err := strconv.Atoi(n.Text(name))
	if err != nil {
		return 0
	}
	return value
}

// Boolean returns true or false.
func (n *Node) Boolean(name string) bool { return n.Text(name) == "true" }

// Duration returns a duration.
func (n *Node) Duration(name string) time.Duration {
	value, err := time.ParseDuration(n.Text(name))
	if err != nil {
		return 0
	}
	return value
}

// List returns the texts of a list, or the one text.
func (n *Node) List(name string) (texts []string) {
	v := n.Get(name)
	if v == nil {
		return nil
	}
	if v.Kind != List {
		return []string{v.Value}
	}
	for _, item := range v.Items {
		texts = append(texts, item.Value)
	}
	return texts
}

// Numbers returns the numbers of a list.
func (n *Node) Numbers(name string) (numbers []int) {
	for _, text := range n.List(name) {
		if number, err := strconv.Atoi(text); err == nil {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// Header returns a mapping of texts as a header.
func (n *Node) Header(name string) http.Header {
	header := make(http.Header)
	if v := n.Get(name); v != nil {
		for _, e := range v.Entries {
			header.Add(e.Name, e.Value.Value)
		}
	}
	return header
}
