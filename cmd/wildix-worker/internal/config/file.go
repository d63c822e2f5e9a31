package config

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// DestinationsKey is the key of the destinations in the file.
const DestinationsKey = "destinations"

// File is the setting of the configuration file. A command that embeds it takes its other
// settings from the file, unless a flag or the environment sets them. The variables that other
// values of the file name need not be set.
type File struct {
	Config string `placeholder:"FILE" env:"WILDIX_CONFIG" help:"YAML file with settings and destinations. Flags and variables take precedence over it."`

	file     *configfile.File // nil without a file
	settings []Setting
	flags    map[string]bool // names of the flags that are given
	unknown  []UnknownVariable
}

// BeforeResolve reads the file. Kong calls it after it has read the environment.
func (f *File) BeforeResolve(ctx *kong.Context) error {
	f.settings = Settings(ctx.Model)
	f.unknown = unknownVariables(ctx.Model)
	f.flags = make(map[string]bool)
	for _, p := range ctx.Path {
		if p.Flag != nil {
			f.flags[p.Flag.Name] = true
		}
	}
	i := slices.IndexFunc(ctx.Flags(), func(flag *kong.Flag) bool { return flag.Name == "config" })
	name, _ := ctx.FlagValue(ctx.Flags()[i]).(string)
	if name == "" {
		return nil
	}
	f.file = configfile.Read(name)
	f.check(ctx.Flags())
	ctx.AddResolver(kong.ResolverFunc(f.resolve))
	return nil
}

// check adds what is wrong with the keys of the file. flags are those of the command.
func (f *File) check(flags []*kong.Flag) {
	for _, e := range f.file.Root.Entries {
		if uses(flags, e.Name) {
			f.file.Faults.Need(e.Value)
		}
	}
	var keys []configfile.Key
	for _, s := range f.settings {
		keys = append(keys, s.Key)
	}
	f.file.Faults.Check(f.file.Root, append(keys, SecretKeys()...), DestinationsKey)
}

// uses reports whether a command with these flags uses a key of the file. One that runs handlers
// uses all of them.
func uses(flags []*kong.Flag, name string) bool {
	return slices.ContainsFunc(flags, func(f *kong.Flag) bool {
		switch f.Name {
		case "handlers":
			return true
		case "secrets-file":
			return name == key(f) || name == secretKey(SecretVariable) || name == secretKey(previousSecretVariable)
		default:
			return name == key(f)
		}
	})
}

// databases returns the destinations of type database.
func (f *File) databases() (found []configfile.Entry) {
	node, _ := f.Destinations()
	if node == nil {
		return nil
	}
	for _, e := range node.Entries {
		if e.Value.Text("type") == "database" && e.Value.Get("url") != nil {
			found = append(found, e)
		}
	}
	return found
}

// resolve returns the value of a flag that is in the file, or nil.
func (f *File) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	n := f.file.Root.Get(key(flag))
	if n == nil || len(flag.Envs) == 0 || setInEnvironment(flag.Envs) != "" || flag.Name == "config" {
		return nil, nil
	}
	if n.Kind == configfile.List {
		return joinList(n, flag.Tag.Get("yaml")), nil
	}
	if flag.IsBool() && n.Value != "true" && n.Value != "false" {
		return nil, nil // a fault of the file
	}
	return n.Value, nil
}

// joinList returns a list as it is in a variable.
func joinList(n *configfile.Node, form string) string {
	var items []string
	for _, item := range n.Items {
		items = append(items, item.Value)
	}
	if form == "arguments" {
		text, err := json.Marshal(items)
		if err == nil {
			return string(text)
		}
	}
	return strings.Join(items, ",")
}

// setInEnvironment returns the first of the variables that is set, or an empty string.
func setInEnvironment(variables []string) string {
	for _, name := range variables {
		if _, set := os.LookupEnv(name); set {
			return name
		}
	}
	return ""
}

// Faults returns a collector with the faults of the file.
func (f *File) Faults() Faults {
	if f.file == nil {
		return Faults{unknown: f.unknown}
	}
	return Faults{file: f, unknown: f.unknown}
}

var (
	settingName = regexp.MustCompile(`^--([a-z-]+)(?: \([A-Z_, ]+\))?: `)
	secretName  = regexp.MustCompile(`^(WILDIX_[A-Z_]+): `)
)

// locate adds a fault that begins with the name of a setting to those of the file, if the
// setting's value is from there.
func (f *File) locate(text string) bool {
	var n *configfile.Node
	found := secretName.FindStringSubmatch(text)
	if found != nil {
		n = f.secretNode(found[1])
	} else if found = settingName.FindStringSubmatch(text); found != nil {
		n = f.settingNode(found[1])
	}
	if n == nil {
		return false
	}
	if !f.file.Faults.Has(n) { // such as a wrong type, of which this would be a repetition
		f.file.Faults.At(n, "%s", strings.TrimPrefix(text, found[0]))
	}
	return true
}

// settingNode returns the value of a setting, if it is from the file.
func (f *File) settingNode(flag string) *configfile.Node {
	i := slices.IndexFunc(f.settings, func(s Setting) bool { return s.Flag == flag })
	if i < 0 {
		return nil
	}
	n, _ := f.origin(f.settings[i])
	return n
}

// Destinations returns the destinations of the file and their faults, or nil if it has none.
func (f *File) Destinations() (*configfile.Node, *configfile.Faults) {
	if f.file == nil {
		return nil, nil
	}
	return f.file.Root.Get(DestinationsKey), &f.file.Faults
}

// Unknown returns the variables with the program's prefix that no command reads.
func (f *File) Unknown() []UnknownVariable { return f.unknown }

// WarnUnknown warns of variables with the program's prefix that no command reads.
func (f *File) WarnUnknown(log *zap.Logger) {
	for _, v := range f.unknown {
		log.Warn("unknown variable", zap.String("variable", v.Name), zap.String("nearest", v.Nearest))
	}
}

// secretNode returns the value of a secret in the file, or nil if the environment has it or
// the file does not.
func (f *File) secretNode(variable string) *configfile.Node {
	if _, set := os.LookupEnv(variable); set || f.file == nil {
		return nil
	}
	return f.file.Root.Get(secretKey(variable))
}

// LookupSecret returns a secret of the environment or, if that does not have it, of the file.
func (f *File) LookupSecret(variable string) (value string, set bool) {
	if n := f.secretNode(variable); n != nil {
		return n.Value, true
	}
	return os.LookupEnv(variable)
}

// Secret is like LookupSecret, and empty if the secret is not set.
func (f *File) Secret(variable string) string {
	value, _ := f.LookupSecret(variable)
	return value
}
