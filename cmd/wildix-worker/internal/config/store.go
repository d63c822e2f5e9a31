package config

import (
	"errors"
	"net/url"
	"os"

	"wildix-worker/events/handlers/store"
)

// storeVariable holds the URL of the database, which may have a password.
const storeVariable = "WILDIX_STORE_URL"

// Store are the settings of the database that the store handler writes and calls reads.
type Store struct {
	StoreURL string `placeholder:"URL" env:"WILDIX_STORE_URL" help:"The database of events and calls: sqlite:PATH or postgres://USER@HOST/DATABASE. Set a URL with a password in the environment."`
}

// StoreConfig returns the configuration of the store, and adds what is wrong with it.
func (s *Store) StoreConfig(faults *Faults) store.Config {
	cfg := store.Config{URL: s.StoreURL}
	var visible error
	// Everyone on the machine can see the flags of a process.
	if u, err := url.Parse(s.StoreURL); err == nil && s.StoreURL != os.Getenv(storeVariable) {
		if _, has := u.User.Password(); has || u.Query().Has("password") {
			visible = errors.New("everyone on the machine can see a password in a flag; set WILDIX_STORE_URL, or PGPASSWORD")
		}
	}
	faults.Fields(cfg.Validate()).Add("URL", "--store-url (WILDIX_STORE_URL)", visible)
	return cfg
}
