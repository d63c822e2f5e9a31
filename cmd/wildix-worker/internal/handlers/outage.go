package handlers

import (
	"fmt"
	"time"

	"wildix-worker/events/route"
)

// Outages describes each destination that takes no events at the moment, or fails for all. explain returns
// what is shown of an error; nil shows none.
func Outages(stats []route.Stats, explain func(string) string) (outages []string) {
	for _, s := range stats {
		var text string
		switch {
		case s.State == route.Down:
			text = "down since " + s.Since.UTC().Format(time.RFC3339)
		case s.State == route.Paused:
			text = "paused until " + s.Until.UTC().Format(time.RFC3339)
		case s.Failing():
			text = "failing"
		default:
			continue
		}
		if explain != nil && s.LastError != "" {
			text += " (" + explain(s.LastError) + ")"
		}
		held := "events"
		if s.Held == 1 {
			held = "event"
		}
		outages = append(outages, fmt.Sprintf("destination %s is %s, %d %s held", s.Name, text, s.Held, held))
	}
	return outages
}
