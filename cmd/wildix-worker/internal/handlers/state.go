package handlers

import (
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/events/handlers/store"
)

// stateSetting is how errors name the setting of the state.
const stateSetting = "--state (WILDIX_STATE)"

// callState is the setting of the database in which calls are put together.
type callState struct {
	State string `placeholder:"URL" env:"WILDIX_STATE" help:"Where calls are put together for call:finished: sqlite:PATH or postgres://USER@HOST/DATABASE. Without it, a file of this machine. Set a URL with a password in the environment."`
}

func (s *callState) checkState(file *config.File, faults *config.Faults) {
	if s.State == "" {
		return
	}
	if origin, _ := file.IsSet("state"); origin == "flag --state" {
		faults.Add(stateSetting, config.VisiblePassword(s.State, "WILDIX_STATE"))
	}
	cfg := store.Config{URL: s.State}
	faults.Fields(cfg.Validate()).Add("URL", stateSetting, nil)
}
