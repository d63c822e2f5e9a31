package configfile

import (
	"os"
	"regexp"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME} by the environment variable, and $$ by a dollar. Any other dollar
// stays, as in a regular expression. A variable that is not set is no fault yet: see Need.
func (f *File) expand(n *Node) {
	text := n.Value
	if !strings.Contains(text, "$") {
		return
	}
	var expanded strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		expanded.WriteString(before)
		switch {
		case !found:
			n.Value = expanded.String()
			return
		case strings.HasPrefix(rest, "$"):
			expanded.WriteByte('$')
			text, n.Inline = rest[1:], false
		case strings.HasPrefix(rest, "{"):
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed || !variableName.MatchString(name) {
				f.breaks(n, "${ starts the name of an environment variable, such as ${CRM_TOKEN}; write $${ for the text itself")
				return
			}
			value, set := os.LookupEnv(name)
			if !set {
				n.broken, n.missing = true, name
				return
			}
			n.variables = append(n.variables, variable{name, value})
			n.Inline = false
			expanded.WriteString(value)
			text = after
		default:
			expanded.WriteByte('$')
			text = rest
		}
	}
}
