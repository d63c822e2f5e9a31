package template

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"
)

// A checker finds wrong names of fields and functions, also in branches that no sample
// reaches, and makes all names those of the Go types. An unknown type is nil.
type checker struct {
	text    string
	trees   map[string]*parse.Tree
	calling []string // the templates that are being checked, outermost first
	checked map[checkedTemplate]bool
	vars    []variable
	err     error // the first

	readsCall bool
}

type checkedTemplate struct {
	name string
	dot  reflect.Type
}

type variable struct {
	name string
	kind reflect.Type
}

// check returns the first fault of the template.
func (c *checker) check() error {
	c.checked = make(map[checkedTemplate]bool)
	c.template(rootName, reflect.TypeFor[*view](), 0)
	for name := range c.trees {
		c.template(name, nil, 0) // also those that nothing calls
	}
	return c.err
}

// template checks a template that is called with that type of dot.
func (c *checker) template(name string, dot reflect.Type, called parse.Pos) {
	if slices.Contains(c.calling, name) {
		c.fault(called, "template %q calls itself", name)
		return
	}
	tree := c.trees[name]
	if tree == nil {
		c.fault(called, "template %q is not defined", name)
		return
	}
	key := checkedTemplate{name, dot}
	if c.checked[key] || dot == nil && c.isChecked(name) {
		return
	}
	c.checked[key] = true
	outer := c.vars
	c.calling, c.vars = append(c.calling, name), []variable{{"$", dot}}
	c.list(dot, tree.Root)
	c.calling, c.vars = c.calling[:len(c.calling)-1], outer
}

func (c *checker) isChecked(name string) bool {
	for key := range c.checked {
		if key.name == name {
			return true
		}
	}
	return false
}

func (c *checker) list(dot reflect.Type, list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		c.node(dot, node)
	}
}

func (c *checker) node(dot reflect.Type, node parse.Node) {
	declared := len(c.vars)
	switch n := node.(type) {
	case *parse.ActionNode:
		c.pipe(dot, n.Pipe)
		return // variables stay declared
	case *parse.TemplateNode:
		var argument reflect.Type
		if n.Pipe != nil {
			argument = c.pipe(dot, n.Pipe)
		}
		c.template(n.Name, argument, n.Pos)
		return
	case *parse.IfNode:
		c.pipe(dot, n.Pipe)
		c.list(dot, n.List)
		c.list(dot, n.ElseList)
	case *parse.WithNode:
		inner := c.pipe(dot, n.Pipe)
		c.list(inner, n.List)
		c.list(dot, n.ElseList)
	case *parse.RangeNode:
		element := c.element(c.pipe(dot, n.Pipe), n.Pipe.Pos)
		for i, v := range n.Pipe.Decl {
			kind := element
			if i == 0 && len(n.Pipe.Decl) == 2 {
				kind = reflect.TypeFor[int]()
			}
			if n.Pipe.IsAssign {
				c.assign(v.Ident[0], kind)
			} else {
				c.vars = append(c.vars, variable{v.Ident[0], kind}) // hides that of the list
			}
		}
		c.list(element, n.List)
		c.list(dot, n.ElseList)
	}
	c.vars = c.vars[:declared]
}

// element returns the type of a list's elements.
func (c *checker) element(list reflect.Type, pos parse.Pos) reflect.Type {
	switch {
	case list == nil:
		return nil
	case list.Kind() == reflect.Slice:
		return list.Elem()
	case list.Kind() == reflect.Int:
		return list
	default:
		c.fault(pos, "range needs a list such as event.data.tags")
		return nil
	}
}

// pipe returns the type of a pipeline, and declares its variables.
func (c *checker) pipe(dot reflect.Type, pipe *parse.PipeNode) reflect.Type {
	var kind reflect.Type
	for i, command := range pipe.Cmds {
		arguments := command.Args[1:]
		kinds := make([]reflect.Type, 0, len(arguments)+1)
		for _, a := range arguments {
			kinds = append(kinds, c.operand(dot, a))
		}
		if i > 0 {
			kinds = append(kinds, kind)
		}
		if name, ok := command.Args[0].(*parse.IdentifierNode); ok {
			kind = c.function(name, kinds)
		} else {
			kind = c.operand(dot, command.Args[0])
		}
	}
	for _, v := range pipe.Decl {
		if pipe.IsAssign {
			c.assign(v.Ident[0], kind)
		} else {
			c.vars = append(c.vars, variable{v.Ident[0], kind})
		}
	}
	return kind
}

// assign sets the type of a variable. One that holds values of two types is unknown.
func (c *checker) assign(name string, kind reflect.Type) {
	for i, v := range slices.Backward(c.vars) {
		if v.name == name {
			if v.kind != kind {
				c.vars[i].kind = nil
			}
			return
		}
	}
}

// operand returns the type of a value.
func (c *checker) operand(dot reflect.Type, node parse.Node) reflect.Type {
	switch n := node.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		start := n.Pos // of the second name, if there are several
		if len(n.Ident) > 1 {
			start -= parse.Pos(len(n.Ident[0]) + 1)
		}
		return c.fields(dot, nil, n.Ident, start)
	case *parse.ChainNode:
		return c.fields(c.operand(dot, n.Node), n.Node, n.Field, n.Pos)
	case *parse.VariableNode:
		return c.fields(c.variable(n.Ident[0]), parse.NewIdentifier(n.Ident[0]), n.Ident[1:], n.Pos)
	case *parse.IdentifierNode:
		return c.function(n, nil)
	case *parse.PipeNode:
		return c.pipe(dot, n)
	case *parse.StringNode:
		return reflect.TypeFor[string]()
	case *parse.BoolNode:
		return reflect.TypeFor[bool]()
	case *parse.NumberNode:
		if n.IsInt {
			return reflect.TypeFor[int]()
		}
	}
	return nil
}

func (c *checker) variable(name string) reflect.Type {
	for _, v := range slices.Backward(c.vars) {
		if v.name == name {
			return v.kind
		}
	}
	return nil
}

// fields returns the type of the last of several fields, such as caller and phone of
// call.caller.phone. It changes the names to those of the Go types. A nil parent is the dot.
func (c *checker) fields(of reflect.Type, parent parse.Node, names []string, start parse.Pos) reflect.Type {
	goNames := make([]string, len(names))
	for i, name := range names {
		kind, goName, ok := fieldOf(of, name)
		if !ok {
			hint := nearest(name, fieldNames(of))
			if whole := parent == nil && i == 0 && of == reflect.TypeFor[*view](); whole && (name == "event" || name == "call") {
				hint = fmt.Sprintf("; write %s without the dot", strings.Join(names, "."))
			}
			c.fault(start+1, "%s has no field %q%s", owner(of, parent, names[:i]), name, hint)
			return nil
		}
		start += parse.Pos(len(name) + 1)
		of, goNames[i] = kind, goName
	}
	copy(names, goNames)
	return of
}

// owner describes what lacks a field.
func owner(of reflect.Type, parent parse.Node, names []string) string {
	switch {
	case parent != nil:
		return strings.Join(append([]string{parent.String()}, names...), ".")
	case len(names) > 0:
		return "." + strings.Join(names, ".")
	case of == reflect.TypeFor[*view]():
		return "the event"
	default:
		return "the dot"
	}
}

// fault keeps the first fault.
func (c *checker) fault(pos parse.Pos, format string, args ...any) {
	if c.err == nil {
		before := c.text[:min(int(pos), len(c.text))]
		line := strings.Count(before, "\n") + 1
		c.err = faultAt(line, len(before)-strings.LastIndexByte(before, '\n'), format, args...)
	}
}
