package destination

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/cmd/wildix-worker/internal/expression"
	"wildix-worker/events"
)

// NamePattern is what destinations can be called: the name is a label of metrics,
// and part of the records of what was done.
const NamePattern = `^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`

var namePattern = regexp.MustCompile(NamePattern)

// builders make the handlers by type.
var builders = map[string]func(*source) Destination{
	"http": (*source).http, "command": (*source).command, "database": (*source).database, "log": (*source).log,
	"email": (*source).email, "sqs": (*source).sqs, "sns": (*source).sns, "eventbridge": (*source).eventbridge,
}

// maxTimeout is how long SQS lets a worker keep a message.
const maxTimeout = 12 * time.Hour

// Read builds the destination of an entry, and adds what is wrong with it.
func Read(e configfile.Entry, lines Log, log *zap.Logger, faults *configfile.Faults) Destination {
	node := e.Value
	if !namePattern.MatchString(e.Name) {
		faults.At(node, "a name has letters, digits, dots, hyphens and underscores, at most 63")
	}
	if node.Kind != configfile.Mapping {
		if !faults.Has(node) {
			faults.At(node, "want a mapping with type and other keys, not %s", node.Kind)
		}
		return Destination{Name: e.Name}
	}
	kind, known := kinds[node.Text("type")]
	if !known {
		checkUnknownType(node, faults)
		selection(node, faults)
		return Destination{Name: e.Name}
	}
	faults.Check(node, kind.allKeys())
	v := version(node)
	d := builders[node.Text("type")](&source{
		node: node, requires: kind.requires, lines: lines, faults: faults, logger: log.With(zap.String("destination", e.Name)),
	})
	d.Name, d.Kind = e.Name, node.Text("type")
	d.Version, d.Files = v, files(node)
	d.On, d.When = selection(node, faults)
	if condition := node.Get("when"); condition != nil {
		d.Condition = condition.Display()
	}
	if timeout := node.Get("timeout"); timeout != nil && !faults.Has(timeout) && node.Duration("timeout") > maxTimeout {
		faults.At(timeout, "%s is longer than 12h", timeout.Value)
	}
	d.Timeout, d.Concurrency = node.Duration("timeout"), node.Count("concurrency")
	return d
}

// checkUnknownType adds what is wrong with a destination whose type is wrong or missing.
func checkUnknownType(node *configfile.Node, faults *configfile.Faults) {
	var all []configfile.Key
	for _, name := range typeNames() {
		all = append(all, optional(kinds[name].keys)...)
	}
	faults.Check(node, append(all, commonKeys...))
}

func optional(keys []configfile.Key) []configfile.Key {
	keys = slices.Clone(keys)
	for i := range keys {
		keys[i].Required = false
	}
	return keys
}

// selection returns which events a destination gets.
func selection(node *configfile.Node, faults *configfile.Faults) (on []string, when func(*events.Event) (bool, error)) {
	on = node.List("on")
	if list := node.Get("on"); list != nil {
		items := list.Items
		if list.Kind != configfile.List {
			items = []*configfile.Node{list}
		}
		for _, item := range items {
			if i := strings.IndexByte(item.Value, '*'); !faults.Has(item) && (item.Value == "" || i >= 0 && i < len(item.Value)-1 || strings.ContainsAny(item.Value, " ,")) {
				faults.At(item, "%q is not a type of event such as call:end, nor a prefix and one * at its end", item.Value)
			}
		}
	}
	condition := node.Get("when")
	if condition == nil || faults.Has(condition) {
		return on, nil
	}
	x, wrong := expression.Compile(condition.Value, on)
	for _, fault := range wrong {
		faults.AtOffset(condition, fault.Offset, "%s", at(condition, fault))
	}
	if x == nil {
		return on, nil
	}
	return on, func(e *events.Event) (bool, error) {
		fits, err := x.Match(e)
		if err != nil {
			return false, events.Permanent(err)
		}
		return fits, nil
	}
}

// at returns the text of a fault, with its position if that is not the one in the file.
func at(n *configfile.Node, fault expression.Fault) string {
	if n.Inline || fault.Offset == 0 {
		return fault.Text
	}
	return fmt.Sprintf("%s (letter %d)", fault.Text, fault.Offset+1)
}
