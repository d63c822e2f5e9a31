package config

import (
	"net/url"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// Effective is a setting with its value, for a person to read.
type Effective struct {
	Name, Value, Origin string
}

const hidden = "(hidden)"

// Effective returns all settings that have a value, and where it is from. Secrets are hidden.
func (f *File) Effective(ctx *kong.Context) (all []Effective) {
	destinations, _ := f.Destinations()
	for _, s := range f.settings {
		n, origin := f.origin(s)
		if s.Name == "handlers" && destinations != nil && origin == "default" {
			continue
		}
		e := Effective{s.Name, s.Default, origin}
		switch {
		case n != nil:
			e.Value = n.Display()
		case f.flags[s.Flag]:
			e.Value = argument(ctx.Args, s.Flag)
		case origin != "default":
			e.Value = os.Getenv(setInEnvironment(s.Variables))
		}
		if e.Value = withoutPassword(e.Value); e.Value != "" || origin != "default" {
			all = append(all, e)
		}
	}
	for _, name := range secretVariables {
		if _, set := os.LookupEnv(name); set {
			all = append(all, Effective{secretKey(name), hidden, "environment " + name})
		} else if n := f.secretNode(name); n != nil {
			all = append(all, Effective{secretKey(name), n.Display(), configfile.Position(f.file.Name, n.Line, n.Column)})
		}
	}
	return all
}

// argument returns the value of a flag in a command line: true if it has none.
func argument(args []string, flag string) (value string) {
	for i, arg := range args {
		if after, ok := strings.CutPrefix(arg, "--"+flag+"="); ok {
			value = after
		}
		if arg == "--"+flag {
			value = "true"
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				value = args[i+1]
			}
		}
	}
	return value
}

// withoutPassword hides a URL that has a password.
func withoutPassword(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		if strings.Contains(value, "://") && strings.Contains(value, "@") {
			return hidden
		}
		return value
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return hidden
	}
	return value
}

// Shown is a value of a destination, for a person to read.
type Shown struct {
	Destination string
	Effective
}

// EffectiveDestinations returns the values of the destinations of the file. Secrets are hidden.
func (f *File) EffectiveDestinations() (all []Shown) {
	node, _ := f.Destinations()
	if node == nil {
		return nil
	}
	for _, destination := range node.Entries {
		for _, e := range destination.Value.Entries {
			at := configfile.Position(f.file.Name, e.Value.Line, e.Value.Column)
			all = append(all, Shown{destination.Name, Effective{e.Name, withoutPassword(e.Value.Display()), at}})
		}
	}
	return all
}
