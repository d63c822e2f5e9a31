package handlers

import (
	"encoding/json"
	"errors"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events/handlers/command"
)

// commandSettings are the settings of the command handler.
type commandSettings struct {
	Command              string       `yaml:"arguments" placeholder:"PROGRAM" env:"WILDIX_COMMAND" help:"For the handler command: the program to run for each event and its arguments, separated by spaces or as a JSON array."`
	CommandPermanentExit config.Count `placeholder:"CODE" env:"WILDIX_COMMAND_PERMANENT_EXIT" help:"The program's exit code for a permanent error: the event is not retried."`
	CommandEnv           string       `yaml:"list" placeholder:"NAMES" env:"WILDIX_COMMAND_ENV" help:"Environment variables that the program gets besides PATH, HOME, LANG, TZ and TMPDIR, separated by commas."`
}

func (s *Settings) command(_ *config.File, log *zap.Logger, faults *config.Faults) destination.Destination {
	args, err := splitCommand(s.Command)
	cfg := command.Config{Args: args, PermanentExit: s.CommandPermanentExit.Value, PassOn: splitCommas(s.CommandEnv), Logger: log}
	handler, invalid := command.New(cfg)
	fields := faults.Fields(invalid)
	fields.Add("Args", "--command (WILDIX_COMMAND)", err)
	fields.Add("PermanentExit", "--command-permanent-exit (WILDIX_COMMAND_PERMANENT_EXIT)", s.CommandPermanentExit.Err)
	return destination.Destination{
		Handler: handler, Preview: preview.Command(args),
		Target: strings.Join(args, " "), Check: destination.CheckScripts(args),
	}
}

// splitCommand splits a command line at spaces, without a shell's rules, or parses a JSON array.
func splitCommand(text string) ([]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return strings.Fields(text), nil
	}
	var args []string
	if json.Unmarshal([]byte(text), &args) != nil {
		return nil, errors.New(`begins with [ but is not a JSON array of strings, such as ["python3", "/opt/my crm.py"]`)
	}
	return args, nil
}
