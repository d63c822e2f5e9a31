package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"wildix-worker/signature"
)

// The variables that hold signing secrets. They have no flags, since everyone on the
// machine can see the flags of a process.
const (
	SecretVariable         = "WILDIX_SECRET"
	previousSecretVariable = "WILDIX_PREVIOUS_SECRET" // valid too while secrets are rotated
)

// ErrSpaceAround is the error of a secret with white space around it: most likely a line
// end that was copied along.
var ErrSpaceAround = errors.New("begins or ends with white space, which would be part of the secret")

// Secret returns the secret in an environment variable; ok reports whether it is set.
func Secret(variable string) (secret string, ok bool, err error) {
	secret, ok = os.LookupEnv(variable)
	switch {
	case !ok:
		return "", false, nil
	case secret == "":
		return "", true, errors.New("set but empty")
	case strings.TrimSpace(secret) != secret:
		return "", true, ErrSpaceAround
	default:
		return secret, true, nil
	}
}

// Keys are the settings of the signing secrets.
type Keys struct {
	SecretsFile string `placeholder:"FILE" env:"WILDIX_SECRETS_FILE" help:"Signing secrets, one a line: SECRET or INTEGRATION_ID=SECRET. Read again when it changes. Or set WILDIX_SECRET in the environment, and WILDIX_PREVIOUS_SECRET while it is rotated."`
}

// ErrNoSecret is returned by Load if no secret is set.
var ErrNoSecret = errors.New("no signing secret: set WILDIX_SECRET, or --secrets-file (WILDIX_SECRETS_FILE)")

// Load returns the keyring. Notify, unless nil, is called each time the secrets file has
// changed, with the error of reading it or nil.
func (s Keys) Load(notify func(error)) (*signature.Keyring, error) {
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
		return nil, ErrNoSecret
	}
}

// environmentKeys returns a key for each secret in the environment.
func environmentKeys() ([]signature.Key, error) {
	secret, ok, err := Secret(SecretVariable)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", SecretVariable, err)
	}
	previous, rotating, err := Secret(previousSecretVariable)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", previousSecretVariable, err)
	case rotating && !ok:
		return nil, fmt.Errorf("%s: needs %s too; a secrets file can hold several secrets", previousSecretVariable, SecretVariable)
	case rotating:
		return []signature.Key{{Secret: secret}, {Secret: previous}}, nil
	case ok:
		return []signature.Key{{Secret: secret}}, nil
	default:
		return nil, nil
	}
}
