package handlers

import (
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/preview"
)

// Settings choose the handlers and configure each of them.
type Settings struct {
	Handlers        string `yaml:"list" default:"log" env:"WILDIX_HANDLERS" help:"The handlers that run, separated by commas: log, command, forward, store." values:"log,command,forward,store"`
	Mask            bool   `env:"WILDIX_MASK" help:"Hide all but the last two digits of phone numbers in the lines of the log handler and, with emails, in answers of HTTP destinations."`
	outputSettings  `embed:""`
	commandSettings `embed:""`
	Forward         forwardSettings `embed:"" prefix:"forward-"`
	storeSettings   `embed:""`
	callState       `embed:""`
	Once            `embed:""`
}

// builders make the handlers by name.
var builders = []struct {
	name  string
	build func(s *Settings, file *config.File, log *zap.Logger, faults *config.Faults) destination.Destination
}{
	{"log", (*Settings).log},
	{"command", (*Settings).command},
	{"forward", (*Settings).forward},
	{"store", (*Settings).store},
}

func (s *Settings) log(*config.File, *zap.Logger, *config.Faults) destination.Destination {
	return destination.Destination{Handler: s.logHandler(s.Mask), Preview: preview.Log(s.Mask), Target: destination.StandardOutput}
}

func (s *Settings) build(name string, file *config.File, log *zap.Logger, faults *config.Faults) (destination.Destination, error) {
	var names []string
	for _, b := range builders {
		if b.name == name {
			h := b.build(s, file, log, faults)
			h.Name, h.Kind = name, name
			return h, nil
		}
		names = append(names, b.name)
	}
	return destination.Destination{}, fmt.Errorf("unknown handler %q (have %s)", name, strings.Join(slices.Sorted(slices.Values(names)), ", "))
}

// splitCommas splits a list.
func splitCommas(text string) (items []string) {
	for item := range strings.SplitSeq(text, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}
