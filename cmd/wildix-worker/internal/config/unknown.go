package config

import (
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// An UnknownVariable has the program's prefix, but no command reads it.
type UnknownVariable struct {
	Name    string
	Nearest string // name of a variable that a command reads, or empty
}

func (v UnknownVariable) String() string {
	text := "unknown variable " + v.Name
	if v.Nearest != "" {
		text += "; did you mean " + v.Nearest + "?"
	}
	return text
}

// unknownVariables returns the unknown variables of the environment, by name.
func unknownVariables(program *kong.Application) (unknown []UnknownVariable) {
	known := slices.Clone(secretVariables)
	for _, command := range program.Leaves(false) {
		for _, f := range command.Flags {
			known = append(known, f.Envs...)
		}
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "WILDIX_") && !slices.Contains(known, name) {
			unknown = append(unknown, UnknownVariable{name, configfile.NearestName(name, known)})
		}
	}
	slices.SortFunc(unknown, func(a, b UnknownVariable) int { return strings.Compare(a.Name, b.Name) })
	return unknown
}
