package forward

import (
	"strings"
	"text/template/parse"

	"wildix-worker/events"
)

// checkEveryBranch finds wrong names where none of the samples leads, as below
// an {{if}} on a certain cause, by going both ways of each {{if}}.
func (t *Template) checkEveryBranch() error {
	body, err := t.body.Clone()
	if err != nil {
		return trimmed(err)
	}
	for _, defined := range t.body.Templates() {
		if defined.Tree == nil {
			continue
		}
		tree := defined.Tree.Copy()
		goBothWays(tree.Root)
		if _, err := body.AddParseTree(defined.Name(), tree); err != nil {
			return trimmed(err)
		}
	}
	_, err = (&Template{body}).render(fullSample(events.CallEnd))
	// A branch may rely on its condition, as on there being three tags, but a
	// name is wrong whatever the condition says.
	if err != nil && strings.Contains(err.Error(), "can't evaluate field") {
		return err
	}
	return nil
}

// goBothWays has each {{if}} do both of what it would choose from. The condition
// stays, for it may declare a variable.
func goBothWays(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			goBothWays(n.List)
			goBothWays(n.ElseList)
			if n.ElseList != nil {
				n.List.Nodes = append(n.List.Nodes, n.ElseList.Nodes...)
			}
			n.ElseList = n.List
		case *parse.WithNode:
			goBothWays(n.List)
			goBothWays(n.ElseList)
		case *parse.RangeNode:
			goBothWays(n.List)
			goBothWays(n.ElseList)
		}
	}
}
