package template

import (
	"strconv"
	"text/template/parse"
)

// stepName is the function that addSteps calls. The checker lets no template call it.
const stepName = "_step"

// rootName is the name of the template itself, as opposed to those that it defines.
const rootName = "template"

// namesPerStep is how many names and constants of an action count as a step of their own.
const namesPerStep = 4

// addSteps adds a step before each action of a list, and at the start of each iteration.
func addSteps(list *parse.ListNode) {
	if list == nil {
		return
	}
	var nodes []parse.Node
	for _, node := range list.Nodes {
		var pipe *parse.PipeNode
		switch n := node.(type) {
		case *parse.TextNode, *parse.CommentNode:
			nodes = append(nodes, node)
			continue
		case *parse.ActionNode:
			pipe = n.Pipe
		case *parse.TemplateNode:
			pipe = n.Pipe
		case *parse.IfNode:
			pipe = n.Pipe
			addSteps(n.List)
			addSteps(n.ElseList)
		case *parse.WithNode:
			pipe = n.Pipe
			addSteps(n.List)
			addSteps(n.ElseList)
		case *parse.RangeNode:
			pipe = n.Pipe
			addSteps(n.List)
			addSteps(n.ElseList)
			n.List.Nodes = append([]parse.Node{stepNode(n.Position(), 1)}, n.List.Nodes...)
		}
		nodes = append(nodes, stepNode(node.Position(), 1+namesIn(pipe)/namesPerStep), node)
	}
	list.Nodes = nodes
}

// namesIn counts the names and constants of a pipeline.
func namesIn(node parse.Node) (count int) {
	switch n := node.(type) {
	case *parse.PipeNode:
		if n == nil {
			return 0
		}
		for _, command := range n.Cmds {
			for _, argument := range command.Args {
				count += namesIn(argument)
			}
		}
		return count
	case *parse.ChainNode:
		return namesIn(n.Node) + len(n.Field)
	case *parse.FieldNode:
		return len(n.Ident)
	case *parse.VariableNode:
		return len(n.Ident)
	default:
		return 1
	}
}

// stepNode returns {{_step n}}.
func stepNode(pos parse.Pos, n int) parse.Node {
	name := parse.NewIdentifier(stepName).SetPos(pos)
	number := &parse.NumberNode{NodeType: parse.NodeNumber, Pos: pos, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)}
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{name, number}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{command}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: pipe}
}
