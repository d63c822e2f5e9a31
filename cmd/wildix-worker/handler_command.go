package main

import (
	"encoding/json"
	"errors"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/events/handlers/command"
)

// commandSettings are those of the handler command.
type commandSettings struct {
	Command              string `placeholder:"PROGRAM" env:"WILDIX_COMMAND" help:"For the handler command: the program to run for each event, and its arguments, with spaces between or as a JSON array."`
	CommandPermanentExit count  `placeholder:"CODE" env:"WILDIX_COMMAND_PERMANENT_EXIT" help:"Its exit code for never again."`
	CommandEnv           string `placeholder:"NAMES" env:"WILDIX_COMMAND_ENV" help:"Variables of the environment that it may see besides PATH, HOME, LANG, TZ and TMPDIR, with commas between."`
}

func (s *handlerSettings) command(log *zap.Logger, wrong *faults) link {
	args, err := words(s.Command)
	cfg := command.Config{Args: args, PermanentExit: s.CommandPermanentExit.value, PassOn: commaSeparated(s.CommandEnv), Logger: log}
	handler, invalid := command.New(cfg)
	wrong.addFields(invalid, []setting{
		{"Args", "--command (WILDIX_COMMAND)", err},
		{"PermanentExit", "--command-permanent-exit (WILDIX_COMMAND_PERMANENT_EXIT)", s.CommandPermanentExit.err},
	})
	return link{handler: handler}
}

// words splits a command line without a shell's rules.
func words(text string) ([]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return strings.Fields(text), nil
	}
	var args []string
	if json.Unmarshal([]byte(text), &args) != nil {
		return nil, errors.New(`begins with [ but is not a JSON array of strings, such as ["python3", "/opt/my crm.py"]`)
	}
	return args, nil
}
