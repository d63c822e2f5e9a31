package handlers

import (
	"fmt"
	"os"

	"wildix-worker/cmd/wildix-worker/internal/columns"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
	loghandler "wildix-worker/events/handlers/log"
)

type outputSettings struct {
	Output string `default:"auto" env:"WILDIX_OUTPUT" help:"How the log handler writes events: json (lines), text (columns), or auto: text on a terminal, else json." values:"json,text,auto"`
}

func (s *outputSettings) checkOutput(faults *config.Faults) {
	switch s.Output {
	case "json", "text", "auto":
	default:
		faults.Add("--output (WILDIX_OUTPUT)", fmt.Errorf("%q is not json, text or auto", s.Output))
	}
}

// checkStandardOutput finds a handler whose lines would go nowhere, while its events would count
// as handled.
func checkStandardOutput(handlers []destination.Destination, faults *config.Faults) {
	for _, h := range handlers {
		if h.Kind == "log" && standardOutputClosed() {
			faults.AddText(fmt.Sprintf("%s: the handler log writes to standard output, which is closed; redirect it to a file, or to /dev/null to drop the lines", h.Name))
		}
	}
}

// logHandler returns the handler that writes events to standard output.
func (s *outputSettings) logHandler(mask bool) events.Handler {
	terminal := term.IsTerminal(os.Stdout)
	switch {
	case s.Output == "text" || s.Output == "auto" && terminal:
		return columns.New(term.NewPrinter(os.Stdout), mask)
	case terminal:
		return loghandler.New(term.Writer{Out: os.Stdout}, mask)
	default:
		return loghandler.New(os.Stdout, mask)
	}
}
