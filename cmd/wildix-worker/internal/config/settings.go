package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// A Setting is a setting that can be a flag, a variable or a key of the file.
type Setting struct {
	configfile.Key
	Flag      string
	Variables []string
}

// Settings returns the settings of all commands that read a file, by name.
func Settings(program *kong.Application) (settings []Setting) {
	known := make(map[string]bool)
	for _, command := range program.Leaves(false) {
		if !slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "config" }) {
			continue
		}
		for _, f := range command.Flags {
			if len(f.Envs) == 0 || f.Name == "config" || known[f.Name] {
				continue
			}
			known[f.Name] = true
			settings = append(settings, Setting{Key: definition(f), Flag: f.Name, Variables: f.Envs})
		}
	}
	slices.SortFunc(settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return settings
}

// key returns the name of a flag in the file.
func key(f *kong.Flag) string { return strings.ReplaceAll(f.Name, "-", "_") }

func definition(f *kong.Flag) configfile.Key {
	k := configfile.Key{Name: key(f), Help: f.Help, Default: f.Default}
	if k.Default == "" && strings.ToUpper(f.PlaceHolder) != f.PlaceHolder || strings.ContainsAny(f.PlaceHolder, "0123456789") {
		k.Default = f.PlaceHolder
	}
	switch f.Target.Type() {
	case reflect.TypeFor[Count]():
		k.Type = configfile.TypeCount
	case reflect.TypeFor[Duration]():
		k.Type = configfile.TypeDuration
	case reflect.TypeFor[bool]():
		k.Type, k.Default = configfile.TypeBoolean, "false"
	default:
		if values := f.Tag.Get("values"); values != "" {
			k.Values = strings.Split(values, ",")
		}
	}
	switch f.Tag.Get("yaml") {
	case "list", "arguments":
		k.Type, k.Values = configfile.TypeList, nil
	case "numbers":
		k.Type = configfile.TypeNumbers
	}
	return k
}

// origin returns where a setting's value is from: flag, environment, a position in the file,
// or default. The node is nil unless it is the file.
func (f *File) origin(s Setting) (*configfile.Node, string) {
	if f.flags[s.Flag] {
		return nil, "flag --" + s.Flag
	}
	if name := setInEnvironment(s.Variables); name != "" {
		return nil, "environment " + name
	}
	if f.file != nil {
		if n := f.file.Root.Get(s.Name); n != nil {
			return n, configfile.Position(f.file.Name, n.Line, n.Column)
		}
	}
	return nil, "default"
}

// IsSet reports whether a flag, the environment or the file sets a setting, and where.
func (f *File) IsSet(name string) (origin string, set bool) {
	for _, s := range f.settings {
		if s.Name == name {
			_, origin = f.origin(s)
			return origin, origin != "default"
		}
	}
	return "", false
}
