package expression

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// methods are those of a time that an expression can call.
var methods = map[string]kind{
	"Hour": number, "Minute": number, "Day": number, "Year": number, "Unix": number, "Local": moment, "UTC": moment,
}

// A checker finds names that do not exist, and what could take long.
type checker struct {
	on       []string
	roots    map[string]*shape
	faults   []Fault
	items    []*shape // what # stands for
	patterns []pattern
	calls    int
}

var plain = map[kind]*shape{other: {}, text: {kind: text}, number: {kind: number}, truth: {kind: truth}, moment: {kind: moment}}

func (c *checker) fault(n ast.Node, format string, args ...any) *shape {
	c.faults = append(c.faults, Fault{n.Location().From, fmt.Sprintf(format, args...)})
	return nil
}

// check checks a node and those in it, and returns its shape, or nil if that is not known.
func (c *checker) check(n ast.Node) *shape {
	switch n := n.(type) {
	case *ast.NilNode, *ast.ConstantNode:
		return plain[other]
	case *ast.IntegerNode, *ast.FloatNode:
		return plain[number]
	case *ast.BoolNode:
		return plain[truth]
	case *ast.StringNode:
		return plain[text]
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.ChainNode:
		return c.check(n.Node)
	case *ast.UnaryNode:
		return c.check(n.Node)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		c.check(n.Cond)
		c.check(n.Exp2)
		return c.check(n.Exp1)
	case *ast.ArrayNode:
		for _, item := range n.Nodes {
			c.check(item)
		}
		return &shape{item: plain[other]}
	case *ast.BuiltinNode:
		return c.function(n)
	case *ast.CallNode:
		return c.call(n)
	default:
		return c.fault(n, "not supported in a condition; compare fields with ==, in, contains, startsWith, matches, and, or, not")
	}
}

func (c *checker) identifier(n *ast.IdentifierNode) *shape {
	root, ok := c.roots[n.Value]
	switch {
	case !ok && n.Value == "call":
		return c.fault(n, "no event of on has a whole call; write call:finished in on")
	case !ok:
		return c.fault(n, "unknown name %s%s", n.Value, configfile.Nearest(n.Value, slices.Sorted(maps.Keys(c.roots))))
	case len(c.items) > 0:
		return c.fault(n, "within a function only # is known")
	}
	return root
}

func (c *checker) pointer(n *ast.PointerNode) *shape {
	if len(c.items) == 0 || n.Name != "" {
		return c.fault(n, "# is only known within a function such as any")
	}
	return c.items[len(c.items)-1]
}

func (c *checker) member(n *ast.MemberNode) *shape {
	object := c.check(n.Node)
	if object == nil {
		return nil
	}
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		c.check(n.Property)
		if object.item == nil {
			return c.fault(n, "not a list")
		}
		return object.item
	}
	if object.fields == nil {
		return c.fault(n, "no field %s", name.Value)
	}
	field, ok := object.fields[name.Value]
	if !ok {
		whose := "there is no field " + name.Value
		if len(c.on) > 0 {
			whose = fmt.Sprintf("no event of on has the field %s", name.Value)
		}
		return c.fault(n, "%s%s", whose, configfile.Nearest(name.Value, slices.Sorted(maps.Keys(object.fields))))
	}
	return field
}

func (c *checker) binary(n *ast.BinaryNode) *shape {
	left, right := c.check(n.Left), c.check(n.Right)
	switch n.Operator {
	case "==", "!=":
		return c.equality(n, left, right)
	case "..":
		return c.fault(n, "ranges are not supported; compare with >= and <=")
	case "matches":
		if left != nil && left.kind != text {
			return c.fault(n.Left, "matches needs a text")
		}
		c.pattern(n)
		return plain[truth]
	case "+":
		if left != nil && right != nil && (left.kind != number || right.kind != number) {
			return c.fault(n, "only numbers can be added")
		}
		return plain[number]
	case "-", "*", "/", "%", "**", "^":
		return plain[number]
	case "??":
		return left
	case "|":
		return c.fault(n, "pipes are not supported")
	default:
		return plain[truth]
	}
}

// equality checks a comparison. Only objects can be missing in an event.
func (c *checker) equality(n *ast.BinaryNode, left, right *shape) *shape {
	_, leftNil := n.Left.(*ast.NilNode)
	_, rightNil := n.Right.(*ast.NilNode)
	if leftNil && right != nil && right.fields == nil || rightNil && left != nil && left.fields == nil {
		return c.fault(n, `only call and objects such as event.data.caller can be nil; other fields are "", 0, false or an empty list if the event does not have them`)
	}
	return plain[truth]
}

func (c *checker) function(n *ast.BuiltinNode) *shape {
	if !slices.Contains(functions, n.Name) {
		return c.fault(n, "unknown function %s (have %s)", n.Name, strings.Join(functions, ", "))
	}
	if c.calls++; c.calls == maxCalls+1 {
		c.fault(n, "more than %d calls of functions", maxCalls)
	}
	if len(n.Arguments) == 0 {
		return nil // the compiler reports it
	}
	list := c.check(n.Arguments[0])
	for _, argument := range n.Arguments[1:] {
		predicate, ok := argument.(*ast.PredicateNode)
		switch {
		case !ok:
			return c.fault(argument, "%s has one argument", n.Name)
		case len(c.items) > 0:
			return c.fault(n, "%s within another function is not supported", n.Name)
		case list == nil:
			return nil
		case list.item == nil:
			return c.fault(n.Arguments[0], "%s needs a list", n.Name)
		}
		c.items = append(c.items, list.item)
		c.check(predicate.Node)
		c.items = c.items[:len(c.items)-1]
	}
	switch n.Name {
	case "len", "count":
		return plain[number]
	case "lower", "upper", "trim":
		return plain[text]
	default:
		return plain[truth]
	}
}

// call checks the call of a method of a time.
func (c *checker) call(n *ast.CallNode) *shape {
	member, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		name := "that"
		if identifier, ok := n.Callee.(*ast.IdentifierNode); ok {
			name = identifier.Value
		}
		return c.fault(n, "unknown function %s (have %s)", name, strings.Join(functions, ", "))
	}
	object := c.check(member.Node)
	if object == nil {
		return nil
	}
	name, _ := member.Property.(*ast.StringNode)
	if name == nil || object.kind != moment || len(n.Arguments) > 0 {
		return c.fault(n, "only a time has functions, such as Hour()")
	}
	result, ok := methods[name.Value]
	if !ok {
		return c.fault(n, "a time has no function %s (have %s)", name.Value, strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
	}
	return plain[result]
}
