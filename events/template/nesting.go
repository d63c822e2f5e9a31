package template

import (
	"fmt"
	"text/template/parse"
)

const maxNesting = 100

// checkNesting refuses actions and templates that are nested deeply, whose errors take long
// to return from. No template may call itself.
func checkNesting(trees map[string]*parse.Tree) error {
	n := &nesting{trees, make(map[string]int)}
	if n.template(rootName) > maxNesting {
		return fmt.Errorf("actions and templates are nested more than %d deep", maxNesting)
	}
	return nil
}

type nesting struct {
	trees map[string]*parse.Tree
	known map[string]int
}

func (n *nesting) template(name string) int {
	depth, ok := n.known[name]
	if !ok {
		depth = n.list(n.trees[name].Root)
		n.known[name] = depth
	}
	return depth
}

func (n *nesting) list(list *parse.ListNode) (deepest int) {
	if list == nil {
		return 0
	}
	for _, node := range list.Nodes {
		depth := 0
		switch node := node.(type) {
		case *parse.IfNode:
			depth = 1 + max(n.list(node.List), n.list(node.ElseList))
		case *parse.WithNode:
			depth = 1 + max(n.list(node.List), n.list(node.ElseList))
		case *parse.RangeNode:
			depth = 1 + max(n.list(node.List), n.list(node.ElseList))
		case *parse.TemplateNode:
			depth = 1 + n.template(node.Name)
		}
		deepest = max(deepest, depth)
	}
	return deepest
}
