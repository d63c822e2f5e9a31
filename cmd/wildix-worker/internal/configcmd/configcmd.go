// Package configcmd is the command config: it checks and shows what the program makes of the
// configuration file, the environment and flags.
package configcmd

import (
	"errors"
	"os"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
)

// Command is the command config.
type Command struct {
	Check  Check  `cmd:"" help:"Check the configuration without AWS, and name every fault."`
	Show   Show   `cmd:"" help:"Show the settings that have a value, and where it is from. Secrets are hidden."`
	Schema Schema `cmd:"" help:"Write the JSON Schema of the file, for editors."`
}

// Check is the command config check.
type Check struct {
	worker.Settings `embed:""`
}

// Help is what --help shows below the summary.
func (*Check) Help() string {
	return `Takes the settings of run. It sends no request, and connects to nothing. A queue and a
signing secret need not be set, since they often are only where the worker runs; the
variables that the file names must be. wildix-worker check also tries queue and
permissions.

Exit code: 0 if nothing is wrong, 2 otherwise.`
}

// Run reports every fault.
func (cmd *Check) Run() error {
	configured, err := cmd.Destinations()
	if err != nil {
		return err
	}
	if err := warn(&cmd.Settings, configured); err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	if cmd.Config == "" {
		out.Printf("ok, without a file\n")
		return out.Err()
	}
	out.Printf("ok, %s\n", cmd.Config)
	return out.Err()
}

// Show is the command config show.
type Show struct {
	worker.Settings `embed:""`
}

// Help is what --help shows below the summary.
func (*Show) Help() string {
	return `Where a value is from: a flag, a variable of the environment, FILE:LINE:COLUMN, or default.
A flag takes precedence over the environment, and that over the file.

Exit code: 0, or 2 if something is wrong; config check names it too.`
}

// Run shows the settings, then what is wrong.
func (cmd *Show) Run(ctx *kong.Context) error {
	configured, err := cmd.Destinations() // also finds out which values are secret
	out := term.NewPrinter(os.Stdout)
	for _, s := range cmd.Effective(ctx) {
		show(out, "", s)
	}
	destination := ""
	for _, s := range cmd.EffectiveDestinations() {
		if destination == "" {
			out.Printf("destinations:\n")
		}
		if s.Destination != destination {
			destination = s.Destination
			out.Printf("  %s:\n", term.Printable(destination))
		}
		show(out, "    ", s.Effective)
	}
	if err != nil {
		return err
	}
	return errors.Join(out.Err(), warn(&cmd.Settings, configured))
}

// warn writes what is allowed and likely an error to standard error.
func warn(settings *worker.Settings, configured *handlers.Destinations) error {
	out := term.NewPrinter(os.Stderr)
	for _, v := range settings.Unknown() {
		out.Printf("warning: %s\n", term.Printable(v.String()))
	}
	for _, d := range configured.All() {
		for _, doubt := range d.Doubts() {
			out.Printf("warning: destinations.%s.on: no known event has the type %s; did you mean %s?\n", d.Name, term.Printable(doubt.Type), doubt.Nearest)
		}
	}
	return out.Err()
}

func show(out *term.Printer, indent string, s config.Effective) {
	out.Printf("%s%s: %s  # %s\n", indent, term.Printable(s.Name), term.Printable(s.Value), term.Printable(s.Origin))
}
