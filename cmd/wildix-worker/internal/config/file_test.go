package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// command has a setting of each kind.
type command struct {
	File        `embed:""`
	QueueURL    string         `env:"WILDIX_QUEUE_URL,SQS_URL"`
	LogLevel    string         `default:"info" env:"WILDIX_LOG_LEVEL" values:"info,error"`
	Concurrency Count          `env:"WILDIX_CONCURRENCY"`
	Timeout     Duration       `env:"WILDIX_TIMEOUT"`
	Mask        bool           `env:"WILDIX_MASK"`
	Handlers    string         `default:"log" yaml:"list" env:"WILDIX_HANDLERS"`
	Command     string         `yaml:"arguments" env:"WILDIX_COMMAND"`
	Retry       string         `yaml:"numbers" env:"WILDIX_RETRY"`
	OnRejected  RejectedPolicy `env:"WILDIX_ON_REJECTED"`
	Retention   Age            `env:"WILDIX_RETENTION"`
	AdminAddr   AdminAddr      `env:"WILDIX_ADMIN_ADDR"`
}

func (c *command) values() map[string]string {
	return map[string]string{
		"queue_url": c.QueueURL, "log_level": c.LogLevel, "concurrency": strings.TrimLeft(string(rune('0'+c.Concurrency.Value)), "0"),
		"timeout": c.Timeout.String(), "mask": map[bool]string{true: "true", false: "false"}[c.Mask],
		"handlers": c.Handlers, "command": c.Command, "retry": c.Retry,
		"on_rejected": string(rune('0' + c.OnRejected.Value)), "retention": c.Retention.Duration.String(), "admin_addr": c.AdminAddr.Addr(),
	}
}

func parse(t *testing.T, file string, args ...string) *command {
	t.Helper()
	return parseCommand[command](t, file, args...)
}

func parseCommand[C any](t *testing.T, file string, args ...string) *C {
	t.Helper()
	if file != "" {
		name := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	var cli struct {
		Run C `cmd:""`
	}
	if _, err := kong.Must(&cli).Parse(append([]string{"run"}, args...)); err != nil {
		t.Fatal(err)
	}
	return &cli.Run
}

// Flag over environment over file over default, for a setting of each kind.
func TestFlagOverEnvironmentOverFileOverDefault(t *testing.T) {
	for key, c := range map[string]struct{ byDefault, yaml, file, variable, environment, flag, flagged string }{
		"queue_url":   {"", "a", "a", "b", "b", "c", "c"},
		"log_level":   {"info", "error", "error", "b", "b", "c", "c"},
		"concurrency": {"", "3", "3", "4", "4", "5", "5"},
		"timeout":     {"0s", "3s", "3s", "4s", "4s", "5s", "5s"},
		"mask":        {"false", "true", "true", "false", "false", "true", "true"},
		"handlers":    {"log", "[a, b]", "a,b", "c", "c", "d", "d"},
		"command":     {"", "[a, b c]", `["a","b c"]`, "c", "c", "d", "d"},
		"retry":       {"", "[401, 403]", "401,403", "404", "404", "405", "405"},
		"on_rejected": {"0", "delete", "2", "leave", "0", "delete", "2"},
		"retention":   {"0s", "2d", "48h0m0s", "3d", "72h0m0s", "4d", "96h0m0s"},
		"admin_addr":  {"127.0.0.1:9464", "'a:1'", "a:1", "", "", "c:1", "c:1"},
	} {
		t.Run(key, func(t *testing.T) {
			check := func(rank, want string, c *command) {
				t.Helper()
				if got := c.values()[key]; got != want {
					t.Errorf("%s: got %q, want %q", rank, got, want)
				}
			}
			check("default", c.byDefault, parse(t, ""))
			file := key + ": " + c.yaml + "\n"
			check("file", c.file, parse(t, file))
			t.Setenv("WILDIX_"+strings.ToUpper(key), c.variable)
			check("environment", c.environment, parse(t, file))
			check("flag", c.flagged, parse(t, file, "--"+strings.ReplaceAll(key, "_", "-")+"="+c.flag))
		})
	}
}

func TestFaultsOfTheFileNameTheLine(t *testing.T) {
	c := parse(t, "concurrency: 3\ntimeout: 4s\nsecret: x\nqueue: y\nlog_level: loud\n", "--timeout", "5s")
	faults := c.Faults()
	faults.Add("--concurrency (WILDIX_CONCURRENCY)", os.ErrInvalid)
	faults.Add("--timeout (WILDIX_TIMEOUT)", os.ErrInvalid)
	faults.Add("--log-level (WILDIX_LOG_LEVEL)", os.ErrInvalid) // known already
	faults.AddText("--queue-url (WILDIX_QUEUE_URL, SQS_URL): required")
	var got []string
	for _, line := range faults.all() {
		got = append(got, strings.ReplaceAll(line, c.Config, "f"))
	}
	want := []string{
		"f:1:14: concurrency: invalid argument",
		"f:3:9: secret: a secret can't stand in the file; write ${WILDIX_SECRET}, or another variable of the environment, or set secrets_file",
		"f:4:1: queue: unknown key",
		`f:5:12: log_level: "loud" is not one of info, error`,
		"--timeout (WILDIX_TIMEOUT): invalid argument",
		"--queue-url (WILDIX_QUEUE_URL, SQS_URL): required",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOriginsAreKnown(t *testing.T) {
	t.Setenv("SQS_URL", "x")
	c := parse(t, "concurrency: 3\ntimeout: 4s\n", "--timeout", "5s")
	for name, want := range map[string]string{
		"queue_url": "environment SQS_URL", "concurrency": c.Config + ":1:14", "timeout": "flag --timeout", "mask": "default",
	} {
		if got, set := c.IsSet(name); got != want || set != (want != "default") {
			t.Errorf("%s: %s, %t", name, got, set)
		}
	}
}

func TestUnknownVariablesAreFound(t *testing.T) {
	t.Setenv("WILDIX_CONCURENCY", "3")
	t.Setenv("WILDIX_SECRET", "x")
	t.Setenv("WILDIX_CONFIG", "")
	want := []UnknownVariable{{"WILDIX_CONCURENCY", "WILDIX_CONCURRENCY"}}
	if got := parse(t, "").unknown; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
