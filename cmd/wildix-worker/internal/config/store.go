package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
)

// storeVariable is the variable with the URL of the database, which may have a password.
const storeVariable = "WILDIX_STORE_URL"

// Store holds the setting of the database that the store handler writes and the command
// calls reads.
type Store struct {
	StoreURL string `placeholder:"URL" env:"WILDIX_STORE_URL" help:"The database of events and calls: sqlite:PATH or postgres://USER@HOST/DATABASE. Set a URL with a password in the environment."`
}

// StoreConfig returns the configuration of the store, and adds what is wrong with it.
func (s *Store) StoreConfig(file *File, faults *Faults) store.Config {
	cfg := store.Config{URL: s.StoreURL}
	var visible error
	if s.StoreURL != os.Getenv(storeVariable) && file.settingNode("store-url") == nil {
		visible = VisiblePassword(s.StoreURL, storeVariable)
	}
	faults.Fields(cfg.Validate()).Add("URL", "--store-url (WILDIX_STORE_URL)", visible)
	return cfg
}

// WrittenStore is StoreConfig for a command that reads or prunes what a worker has written. If
// the setting is missing, it is the database of the file's only destination of that type.
func (s *Store) WrittenStore(file *File, faults *Faults) store.Config {
	found := file.databases()
	if s.StoreURL != "" || len(found) == 0 {
		return s.StoreConfig(file, faults)
	}
	if len(found) > 1 {
		var names []string
		for _, e := range found {
			names = append(names, e.Name)
		}
		faults.AddText(fmt.Sprintf("the file has several databases (%s): choose one with --store-url (WILDIX_STORE_URL)", strings.Join(names, ", ")))
		return store.Config{}
	}
	url := found[0].Value.Get("url")
	file.file.Faults.Need(url)
	cfg := store.Config{URL: url.Value}
	var invalid *events.FieldError
	if errors.As(cfg.Validate(), &invalid) && !file.file.Faults.Has(url) {
		file.file.Faults.At(url, "%v", invalid.Err)
	}
	return cfg
}

// VisiblePassword returns an error if the URL of a database, which a flag has set, has a
// password: everyone on the machine can see the flags of a process.
func VisiblePassword(databaseURL, variable string) error {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil //nolint:nilerr // reported as a wrong URL
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return errors.New("everyone on the machine can see a password in a flag; set " + variable + ", or PGPASSWORD")
	}
	return nil
}
