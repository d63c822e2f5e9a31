package main

import (
	"slices"
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/manual"

	"github.com/alecthomas/kong"
)

func TestManualHasEveryCommandAndFlag(t *testing.T) {
	program := kong.Must(&cli{}, kong.Description(description)).Model
	var page strings.Builder
	manual.Write(&page, program, "test")
	for _, command := range program.Leaves(true) {
		_, section, found := strings.Cut(page.String(), "\n.SS "+command.Path())
		if !found {
			t.Errorf("no command %s", command.Path())
		}
		section, _, _ = strings.Cut(section, "\n.SS ")
		for _, f := range command.Flags {
			if !strings.Contains(section, "\n.B "+strings.ReplaceAll("--"+f.Name, "-", `\-`)) {
				t.Errorf("%s: no flag --%s", command.Path(), f.Name)
			}
		}
	}
	requests := []string{".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I", ".RI", ".br"}
	for line := range strings.Lines(page.String()) {
		request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !slices.Contains(requests, request) {
			t.Errorf("roff reads this line as an instruction: %s", line)
		}
	}
}
