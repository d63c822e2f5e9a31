package expression

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// The time that a pattern takes grows with its size and that of the text, to three seconds for
// maxPattern and a text of 1 MiB.
const (
	maxPattern = 300        // size of all patterns of an expression, in instructions
	maxWork    = 30_000_000 // size of a pattern times bytes of text, in one evaluation
)

// A pattern is the regular expression of matches.
type pattern struct {
	text   string
	regexp *regexp.Regexp
	size   int // in instructions
}

// pattern checks the regular expression of matches.
func (c *checker) pattern(n *ast.BinaryNode) {
	literal, ok := n.Right.(*ast.StringNode)
	if !ok {
		c.fault(n.Right, "the pattern of matches must be a text in quotes")
		return
	}
	p, err := newPattern(literal.Value)
	if err != nil {
		c.fault(n.Right, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return
	}
	total := p.size
	for _, other := range c.patterns {
		total += other.size
	}
	if total > maxPattern {
		c.fault(n.Right, "the patterns are too large")
		return
	}
	c.patterns = append(c.patterns, p)
}

func newPattern(text string) (pattern, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return pattern{}, err
	}
	compiled, err := regexp.Compile(text)
	return pattern{text, compiled, len(program.Inst)}, err
}

// matchFunction is the hidden function that matches is compiled to.
const matchFunction = "$matches"

// patternCalls replaces matches with a call of matchFunction.
type patternCalls struct{ patterns []pattern }

// Visit implements ast.Visitor.
func (p patternCalls) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.BinaryNode)
	if !ok || n.Operator != "matches" {
		return
	}
	literal, ok := n.Right.(*ast.StringNode)
	if !ok {
		return
	}
	for i := range p.patterns {
		if p.patterns[i].text == literal.Value {
			ast.Patch(node, &ast.CallNode{
				Callee:    &ast.IdentifierNode{Value: matchFunction},
				Arguments: []ast.Node{n.Left, &ast.IntegerNode{Value: i}},
			})
			return
		}
	}
}

// A matcher matches texts in one evaluation.
type matcher struct {
	patterns []pattern
	work     int
}

var errTooMuchWork = errors.New("the texts of the event are too long for the patterns of matches")

func (m *matcher) match(text string, i int) (bool, error) {
	p := m.patterns[i]
	if m.work += p.size * len(text); m.work > maxWork {
		return false, errTooMuchWork
	}
	return p.regexp.MatchString(text), nil
}
