package routecmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

func writeJSON(out *term.Printer, r report) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err == nil { // it has texts only, which never fail
		out.Printf("%s\n", term.PrintableJSON(bytes.TrimSpace(line.Bytes())))
	}
}

func writeText(out *term.Printer, r report) {
	out.Printf("%s\n", out.Paint(term.Faint, fmt.Sprintf("%s (%s)", r.What, term.Printable(r.Type))))
	for _, d := range r.Destinations {
		title := d.Name
		if d.Kind != d.Name {
			title += " (" + d.Kind + ")"
		}
		out.Printf("\n%s: %s\n", title, d.verdict(out))
		if d.Sends != nil {
			d.Sends.Print(out)
		}
	}
	if len(r.Derives) > 0 {
		note := "A worker also derives call:finished when the call has ended, which is not shown here. Destinations that may get it: " +
			strings.Join(r.Derives, ", ") + ". Try --event call:finished."
		out.Printf("\n")
		for _, line := range term.Wrap(note, term.Columns) {
			out.Printf("%s\n", line)
		}
	}
}

// verdict returns in a few words what the destination does.
func (r result) verdict(out *term.Printer) string {
	reason := term.Printable(r.Reason)
	switch {
	case r.Error != "" && reason != "":
		return out.Paint(term.Red, "fails") + ", " + reason + " (" + term.Printable(r.Error) + ")"
	case r.Error != "":
		return out.Paint(term.Red, "fails") + ", " + term.Printable(r.Error)
	case !r.Gets:
		return out.Paint(term.Yellow, "no") + ", " + reason
	case reason != "":
		return out.Paint(term.Green, "gets it") + ", " + reason
	default:
		return out.Paint(term.Green, "gets it")
	}
}
