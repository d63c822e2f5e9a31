package main

import (
	"errors"
	"net/url"
	"os"

	"go.uber.org/zap"

	"wildix-worker/events/handlers/store"
)

// storeVariable holds the URL of the database, with a password if need be.
const storeVariable = "WILDIX_STORE_URL"

// storeSettings say where the store handler writes, and what calls reads.
type storeSettings struct {
	StoreURL string `placeholder:"URL" env:"WILDIX_STORE_URL" help:"The database of events and calls: sqlite:PATH or postgres://USER@HOST/DATABASE. One with a password belongs in the environment."`
}

const storeURLName = "--store-url (WILDIX_STORE_URL)"

// config returns what is wrong with the settings, too.
func (s *storeSettings) config(wrong *faults) store.Config {
	cfg := store.Config{URL: s.StoreURL}
	var passwordSeen error
	// The flags of a process are seen by everyone on its machine.
	if u, err := url.Parse(s.StoreURL); err == nil && s.StoreURL != os.Getenv(storeVariable) {
		if _, has := u.User.Password(); has || u.Query().Has("password") {
			passwordSeen = errors.New("a password in a flag is seen by everyone on the machine; set WILDIX_STORE_URL, or PGPASSWORD")
		}
	}
	wrong.addFields(cfg.Validate(), []setting{{"URL", storeURLName, passwordSeen}})
	return cfg
}

func (s *handlerSettings) store(_ *zap.Logger, wrong *faults) link {
	cfg := s.storeSettings.config(wrong)
	h, err := store.New(cfg)
	if err != nil {
		return link{} // it is among the wrong settings
	}
	return link{handler: h, open: h.Connect, close: h.Close}
}
