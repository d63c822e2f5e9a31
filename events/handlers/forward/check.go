package forward

import (
	"strings"
	"text/template/parse"

	"wildix-worker/events"
)

// checkBranches finds wrong names that no sample reaches, such as below an {{if}} on an
// end cause, by executing both branches of each {{if}}.
func (t *Template) checkBranches() error {
	body, err := t.body.Clone()
	if err != nil {
		return positioned(err)
	}
	for _, defined := range t.body.Templates() {
		if defined.Tree == nil {
			continue
		}
		tree := defined.Tree.Copy()
		joinBranches(tree.Root)
		if _, err := body.AddParseTree(defined.Name(), tree); err != nil {
			return positioned(err)
		}
	}
	_, err = (&Template{body}).render(fullSample(events.CallEnd))
	// Other errors may be due to a condition that does not hold, such as on the number
	// of tags.
	if err != nil && strings.Contains(err.Error(), "can't evaluate field") {
		return err
	}
	return nil
}

// joinBranches makes each {{if}} execute both branches, whatever its condition. It keeps
// the condition, since that may declare a variable.
func joinBranches(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			joinBranches(n.List)
			joinBranches(n.ElseList)
			if n.ElseList != nil {
				n.List.Nodes = append(n.List.Nodes, n.ElseList.Nodes...)
			}
			n.ElseList = n.List
		case *parse.WithNode:
			joinBranches(n.List)
			joinBranches(n.ElseList)
		case *parse.RangeNode:
			joinBranches(n.List)
			joinBranches(n.ElseList)
		}
	}
}
