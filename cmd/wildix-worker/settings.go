package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A duration is a setting that keeps what is wrong with it, so that all wrong
// settings can be named at once. Zero stands for the default.
type duration struct {
	time.Duration
	err error
}

// UnmarshalText never fails; see err.
func (d *duration) UnmarshalText(text []byte) error {
	*d = duration{}
	if len(text) == 0 { // an empty variable is as none
		return nil
	}
	value, err := time.ParseDuration(string(text))
	_, notNumber := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil && notNumber == nil:
		d.err = fmt.Errorf("%q has no unit: write %[1]ss for seconds, %[1]sm for minutes", text)
	case err != nil:
		d.err = fmt.Errorf("%q is not a duration such as 30s or 5m", text)
	case value <= 0:
		d.err = fmt.Errorf("%q is not more than 0s", text)
	}
	d.Duration = value
	return nil
}

// A count is a setting from 1 up that keeps what is wrong with it.
type count struct {
	value int
	err   error
}

// UnmarshalText never fails; see err.
func (c *count) UnmarshalText(text []byte) error {
	*c = count{}
	if len(text) == 0 {
		return nil
	}
	value, err := strconv.Atoi(string(text))
	if err != nil || value < 1 {
		c.err = fmt.Errorf("%q is not a whole number from 1", text)
	}
	c.value = value
	return nil
}

// A policy is what becomes of rejected messages. It keeps what is wrong with it.
type policy struct {
	value consumer.RejectedPolicy
	err   error
}

// UnmarshalText never fails; see err.
func (p *policy) UnmarshalText(text []byte) error {
	*p = policy{}
	switch string(text) {
	case "", "leave":
	case "quarantine":
		p.value = consumer.Quarantine
	case "delete":
		p.value = consumer.Delete
	default:
		p.err = fmt.Errorf("%q is not leave, quarantine or delete", text)
	}
	return nil
}

// faults collects what is wrong with settings.
type faults []string

// add notes what is wrong with a setting, if anything is.
func (f *faults) add(setting string, err error) {
	if err != nil {
		*f = append(*f, setting+": "+err.Error())
	}
}

// A setting is where a field of the library's configuration comes from, and
// what was wrong with it before it could become one.
type setting struct {
	field, name string
	err         error
}

// addFields notes what is wrong with settings: what could not be read, and
// what the library says of the rest.
func (f *faults) addFields(invalid error, settings []setting) {
	byField := make(map[string]error)
	if joined, ok := invalid.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			var field *events.FieldError
			if errors.As(err, &field) {
				byField[field.Field] = field.Err
			}
		}
	}
	for _, s := range settings {
		if s.err != nil {
			f.add(s.name, s.err)
			continue
		}
		f.add(s.name, byField[s.field])
	}
}

// err is one error that names every fault, or nil.
func (f faults) err() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return &usageError{errors.New(f[0])}
	default:
		return &usageError{fmt.Errorf("%d settings are wrong:\n  %s", len(f), strings.Join(f, "\n  "))}
	}
}

// The variables that hold signing secrets. They have no flags, since the flags of a
// process are seen by everyone on its machine.
const (
	secretVariable         = "WILDIX_SECRET"
	previousSecretVariable = "WILDIX_PREVIOUS_SECRET" // valid too, while secretVariable takes its place
)

// errSpaceAround: most likely a line end that came along with a copied secret.
var errSpaceAround = errors.New("begins or ends with white space, which would be part of the secret")

// readSecret returns the secret in a variable; ok tells whether there is one.
func readSecret(variable string) (secret string, ok bool, err error) {
	secret, ok = os.LookupEnv(variable)
	switch {
	case !ok:
		return "", false, nil
	case secret == "":
		return "", true, errors.New("set but empty")
	case strings.TrimSpace(secret) != secret:
		return "", true, errSpaceAround
	default:
		return secret, true, nil
	}
}

// keySettings say where the signing secrets are.
type keySettings struct {
	SecretsFile string `placeholder:"FILE" env:"WILDIX_SECRETS_FILE" help:"Signing secrets, a line each: SECRET or INTEGRATION_ID=SECRET. Read again when it changes. The other way is WILDIX_SECRET in the environment, and WILDIX_PREVIOUS_SECRET while it changes."`
}

var errNoSecret = errors.New("no signing secret: set WILDIX_SECRET, or --secrets-file (WILDIX_SECRETS_FILE)")

// load returns the ring of keys. notify is told when the file changes.
func (s keySettings) load(notify func(error)) (*signature.Keyring, error) {
	keys, err := environmentKeys()
	switch {
	case len(keys) > 0 && s.SecretsFile != "":
		return nil, errors.New("set either WILDIX_SECRET or --secrets-file (WILDIX_SECRETS_FILE), not both")
	case err != nil:
		return nil, err
	case len(keys) > 0:
		return signature.NewKeyring(keys...)
	case s.SecretsFile != "":
		ring, err := signature.LoadKeyring(s.SecretsFile, notify)
		if err != nil {
			return nil, fmt.Errorf("--secrets-file (WILDIX_SECRETS_FILE): %w", err)
		}
		return ring, nil
	default:
		return nil, errNoSecret
	}
}

// environmentKeys returns a key for each secret in the environment.
func environmentKeys() ([]signature.Key, error) {
	secret, ok, err := readSecret(secretVariable)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", secretVariable, err)
	}
	previous, changing, err := readSecret(previousSecretVariable)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", previousSecretVariable, err)
	case changing && !ok:
		return nil, fmt.Errorf("%s: of no use without %s; a secrets file takes several secrets", previousSecretVariable, secretVariable)
	case changing:
		return []signature.Key{{Secret: secret}, {Secret: previous}}, nil
	case ok:
		return []signature.Key{{Secret: secret}}, nil
	default:
		return nil, nil
	}
}
