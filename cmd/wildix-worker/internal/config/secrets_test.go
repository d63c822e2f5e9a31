package config

import (
	"strings"
	"testing"
)

// Every secret that has no flag can be in the file, as a variable, and nothing else.
func TestSecretsInTheFileNameVariables(t *testing.T) {
	t.Setenv("HIDDEN", "hidden-value")
	for _, variable := range secretVariables {
		key := secretKey(variable)
		c := parse(t, key+": ${HIDDEN}\n")
		if got := c.Secret(variable); got != "hidden-value" || c.Faults().file.file.Faults.Lines() != nil {
			t.Errorf("%s: %q, %q", key, got, c.Faults().file.file.Faults.Lines())
		}
		for _, e := range c.Effective(nil) {
			if e.Name == key && e.Value != "${HIDDEN}" {
				t.Errorf("%s is shown as %s", key, e.Value)
			}
		}
		t.Setenv(variable, "from the environment")
		if got := c.Secret(variable); got != "from the environment" {
			t.Errorf("%s: %q", variable, got)
		}
		for _, value := range []string{"plain-value", "5", "true"} {
			faults := parse(t, key+": "+value+"\n").Faults()
			if err := faults.Err(); err == nil || !strings.Contains(err.Error(), key+": a secret can't stand in the file; write ${"+variable+"}") || strings.Contains(err.Error(), "plain-value") {
				t.Errorf("%s: %s: %v", key, value, err)
			}
		}
	}
}

func TestKeysAreLoadedFromTheFile(t *testing.T) {
	t.Setenv("HIDDEN", "hidden-value")
	t.Setenv("SPACED", "hidden-value ")
	c := parse(t, "secret: ${HIDDEN}\nprevious_secret: ${SPACED}\n")
	_, err := Keys{}.Load(&c.File, nil)
	if err == nil {
		t.Fatal("a secret with a space is accepted")
	}
	faults := c.Faults()
	faults.AddText(err.Error())
	if err := faults.Err(); !strings.HasSuffix(err.Error(), ":2:18: previous_secret: "+ErrSpaceAround.Error()) {
		t.Error(err)
	}
	c = parse(t, "secret: ${HIDDEN}\n")
	if _, err := (Keys{}).Load(&c.File, nil); err != nil {
		t.Error(err)
	}
}

// A password in a flag can be seen by everyone on the machine, one in the file can't.
func TestPasswordOfTheStoreIsRefusedInAFlag(t *testing.T) {
	const url = "postgres://calls:hidden@db.example.com/calls"
	type command struct {
		File  `embed:""`
		Store `embed:""`
	}
	for _, c := range []struct {
		from  string
		wrong bool
	}{{"file", false}, {"environment", false}, {"flag", true}} {
		t.Run(c.from, func(t *testing.T) {
			file, args := "", []string(nil)
			switch c.from {
			case "file":
				file = "store_url: " + url + "\n"
			case "environment":
				t.Setenv("WILDIX_STORE_URL", url)
			default:
				args = []string{"--store-url", url}
			}
			run := parseCommand[command](t, file, args...)
			faults := run.Faults()
			run.StoreConfig(&run.File, &faults)
			if err := faults.Err(); (err != nil) != c.wrong || err != nil && strings.Contains(err.Error(), "hidden") {
				t.Error(err)
			}
		})
	}
}
