package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"wildix-worker/events"
)

func TestURLErrorsDoNotQuoteTheURL(t *testing.T) {
	for url, want := range map[string]string{
		"":                                "required; write sqlite:PATH",
		"events.db":                       "not the URL of a database",
		"mysql://ada:s3cret@127.0.0.1/db": "not the URL of a database",
		"sqlite:":                         "no file named",
		"sqlite::memory:":                 "no file named",
		"postgres://ada:s3cret%zz@h/db":   "not a valid PostgreSQL URL",
		"postgres://ada:s3cret@h:port/db": "not a valid PostgreSQL URL",
		"postgres://ada:s3cret@h/db?sslmode=some":                           "PostgreSQL URL: failed to configure TLS (sslmode is invalid)",
		"postgres://ada:s3cret@h/db?sslmode=verify-full&sslrootcert=/a.pem": "PostgreSQL URL: failed to configure TLS (unable to read CA file",
	} {
		cfg := Config{URL: url}
		err := cfg.Validate()
		var field *events.FieldError
		if !errors.As(err, &field) || field.Field != "URL" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}

func TestSSLModeDefaultsToTheDrivers(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	tries := func(url string) (tls, plain int) {
		cfg, err := postgresConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		for _, server := range append([]*pgconn.FallbackConfig{{TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...) {
			if server.TLSConfig != nil {
				tls++
			} else {
				plain++
			}
		}
		return tls, plain
	}
	const url = "postgres://ada@db.example.com/calls"
	for mode, want := range map[string][2]int{
		"": {1, 1}, "?sslmode=prefer": {1, 1}, "?sslmode=disable": {0, 1}, "?sslmode=require": {1, 0}, "?sslmode=verify-full": {1, 0},
	} {
		if tls, plain := tries(url + mode); tls != want[0] || plain != want[1] {
			t.Errorf("%q: %d tries with TLS and %d without, want %v", mode, tls, plain, want)
		}
	}
	if cfg, err := postgresConfig(url); err != nil || cfg.TLSConfig == nil {
		t.Errorf("TLS is not tried first: %v", err)
	}
}

func TestConnectErrorsDoNotQuoteThePassword(t *testing.T) {
	s := storeOf(t, "postgres://ada:s3cret@127.0.0.1:1/db")
	if err := s.Connect(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
