// Package expression compiles the conditions of destinations, such as
//
//	call.missed && call.direction == "inbound"
//
// The language is that of github.com/expr-lang/expr, without what could take long: variables,
// ranges, functions within functions, and joining texts. What is left is bounded: an evaluation
// takes well under a second and a few megabytes, however large the event. One that would take
// more is an error.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"wildix-worker/events"
)

// The limits of an expression.
const (
	maxLength = 4096
	maxNodes  = 200
	maxMemory = 100_000 // in units of expr: about the elements of lists
	maxCalls  = 20      // of functions, each of which may copy a text of the size of an event
)

// functions are those that an expression can call.
var functions = []string{"len", "lower", "upper", "trim", "any", "all", "none", "one", "count"}

// A Fault is something that is wrong in an expression.
type Fault struct {
	Offset int // of the first letter, from 0
	Text   string
}

// An Expression is a compiled condition. It is safe for concurrent use.
type Expression struct {
	program     *vm.Program
	event, call *shape
	patterns    []pattern
}

// Compile compiles a condition for events of these types and patterns; none are all types. It
// returns all faults that it finds.
func Compile(text string, on []string) (*Expression, []Fault) {
	if len(text) > maxLength {
		return nil, []Fault{{0, fmt.Sprintf("longer than %d letters", maxLength)}}
	}
	if strings.TrimSpace(text) == "" {
		return nil, []Fault{{0, "empty; leave the key out for all events"}}
	}
	x := &Expression{}
	x.event, x.call = environment(on)
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, []Fault{describe(err)}
	}
	c := checker{on: on, roots: map[string]*shape{"event": x.event}}
	if x.call != nil {
		c.roots["call"] = x.call
	}
	c.check(tree.Node)
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	x.patterns = c.patterns
	options := []expr.Option{
		expr.Env(x.types()), expr.AsBool(), expr.WarnOnAny(), expr.MaxNodes(maxNodes),
		expr.DisableAllBuiltins(), expr.Patch(presence{}), expr.Patch(patternCalls{x.patterns}),
	}
	for _, name := range functions {
		options = append(options, expr.EnableBuiltin(name))
	}
	if x.program, err = expr.Compile(text, options...); err != nil {
		return nil, []Fault{describe(err)}
	}
	return x, nil
}

func (x *Expression) types() types.Map {
	env := types.Map{"event": x.event.checked(), matchFunction: types.TypeOf((&matcher{}).match)}
	if x.call != nil {
		env["call"] = x.call.checked()
	}
	return env
}

var objectType = regexp.MustCompile(`(Map\{.*\}|map\[string\](interface \{\}|any)|\[\](interface \{\}|any))`)

// describe returns an error of the compiler without the picture of the place.
func describe(err error) Fault {
	at, ok := errors.AsType[*file.Error](err)
	if !ok {
		message, _, _ := strings.Cut(err.Error(), "\n")
		return Fault{0, objectType.ReplaceAllString(message, "an object")}
	}
	offset := 0
	if at.Line <= 1 {
		offset = max(at.Column, 0)
	}
	return Fault{offset, objectType.ReplaceAllString(at.Message, "an object")}
}

// Match reports whether an event fits. An error is permanent for the event.
func (x *Expression) Match(e *events.Event) (bool, error) {
	machine := vm.VM{MemoryBudget: maxMemory}
	result, err := machine.Run(x.program, x.environment(e))
	if err != nil {
		return false, errors.New(describe(err).Text)
	}
	fits, ok := result.(bool)
	if !ok {
		return false, errors.New("the result is not true or false")
	}
	return fits, nil
}

// environment returns what the expression sees of an event.
func (x *Expression) environment(e *events.Event) map[string]any {
	event := map[string]any{
		present: true, "id": e.ID, "type": e.Type, "pbx": e.PBX, "company": e.Company,
		"integrationId": e.IntegrationID, "time": e.Time, "receiveCount": float64(e.ReceiveCount), "replay": e.Replay,
	}
	data := x.event.fields["data"]
	if e.Data == nil {
		event["data"] = data.zero()
	} else {
		event["data"] = data.read(reflect.ValueOf(e.Data))
	}
	env := map[string]any{"event": event, matchFunction: (&matcher{patterns: x.patterns}).match}
	if x.call == nil {
		return env
	}
	if call, ok := e.Data.(*events.FinishedCall); ok {
		env["call"] = x.call.read(reflect.ValueOf(call))
	} else {
		env["call"] = x.call.zero()
	}
	return env
}

// presence replaces the comparison of an object with nil: objects that the event does not
// have are there all the same, with empty fields.
type presence struct{}

// Visit implements ast.Visitor.
func (presence) Visit(node *ast.Node) {
	comparison, ok := (*node).(*ast.BinaryNode)
	if !ok || comparison.Operator != "==" && comparison.Operator != "!=" {
		return
	}
	object := comparison.Left
	if _, isNil := object.(*ast.NilNode); isNil {
		object = comparison.Right
	} else if _, isNil := comparison.Right.(*ast.NilNode); !isNil {
		return
	}
	var has ast.Node = &ast.MemberNode{Node: object, Property: &ast.StringNode{Value: present}}
	if comparison.Operator == "==" {
		has = &ast.UnaryNode{Operator: "not", Node: has}
	}
	ast.Patch(node, has)
}
