package config

import (
	"errors"
	"slices"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// Reload is the setting of commands that read the configuration file again while they run.
type Reload struct {
	WatchConfig bool `env:"WILDIX_WATCH_CONFIG" help:"Read the destinations of the configuration file again when it, or a template that it names, has changed, as after SIGHUP."`
}

// CheckReload adds what is wrong with the setting.
func (r Reload) CheckReload(file *File, faults *Faults) {
	if r.WatchConfig && file.Config == "" {
		faults.Add("--watch-config (WILDIX_WATCH_CONFIG)", errors.New("needs --config (WILDIX_CONFIG)"))
	}
}

// Reparse parses the command line of the program again, with what the configuration file has
// now, and returns the command.
type Reparse func() (command any, err error)

// OtherChanges returns the names of the settings that the file of next sets otherwise, but not
// the destinations.
func (f *File) OtherChanges(next *File) (names []string) {
	before, after := f.root(), next.root()
	for _, e := range slices.Concat(before.Entries, after.Entries) {
		differs := before.Get(e.Name).Fingerprint() != after.Get(e.Name).Fingerprint()
		if differs && e.Name != DestinationsKey && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (f *File) root() *configfile.Node {
	if f.file == nil {
		return &configfile.Node{Kind: configfile.Mapping}
	}
	return f.file.Root
}
