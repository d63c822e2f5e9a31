package handlers

import (
	"fmt"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/cmd/wildix-worker/internal/destination"
)

// fromFile adds the destinations of the file, and what is wrong with them.
func (d *Destinations) fromFile(s *Settings, file *config.File, faults *config.Faults) {
	node, found := file.Destinations()
	if where, set := file.IsSet("handlers"); set {
		faults.AddText(fmt.Sprintf("destinations and handlers are both set (%s); remove handlers, and write a destination for each", where))
	}
	switch {
	case node.Kind != configfile.Mapping:
		found.At(node, "want a mapping of names to destinations, not %s", node.Kind)
		return
	case len(node.Entries) == 0:
		found.At(node, "none, so every event would be deleted unhandled")
		return
	}
	total := 0
	for _, e := range node.Entries {
		if e.Name == stateName {
			found.At(e.Value, "the name is that of the state of calls in logs and metrics; take another")
		}
		read := destination.Read(e, destination.Log{New: s.logHandler, Mask: s.Mask}, d.log, found)
		d.handlers = append(d.handlers, read)
		total += read.Concurrency
	}
	if total > maxConcurrency {
		found.At(node, "the concurrency of all destinations is %d together; at most %d", total, maxConcurrency)
	}
}
