package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"wildix-worker/signature"
)

// ErrSpaceAround is the error for a secret with white space around it, most likely a line
// end that was copied with it.
var ErrSpaceAround = errors.New("begins or ends with white space, which would be part of the secret")

// lookupSecret returns a secret of the environment or the file; ok reports whether it is set.
func lookupSecret(file *File, variable string) (secret string, ok bool, err error) {
	secret, ok = file.LookupSecret(variable)
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
	SecretsFile string `placeholder:"FILE" env:"WILDIX_SECRETS_FILE" help:"Signing secrets, one per line: SECRET or INTEGRATION_ID=SECRET. Read again when it changes. Or set WILDIX_SECRET in the environment, and WILDIX_PREVIOUS_SECRET while it is rotated."`
}

// ErrNoSecret is the error of Load if no secret is set.
var ErrNoSecret = errors.New("no signing secret: set WILDIX_SECRET, or --secrets-file (WILDIX_SECRETS_FILE)")

// Load returns the keyring. The secrets are from the environment or the file. Each time the
// secrets file has changed, notify is called with the error of reading it, or nil. If notify is
// nil, as in a command that verifies once and ends, Load waits until the secrets file has
// settled, at most three seconds.
func (s Keys) Load(file *File, notify func(error)) (*signature.Keyring, error) {
	keys, err := secretKeys(file)
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
		if notify == nil {
			awaitKeys(ring)
		}
		return ring, nil
	default:
		return nil, ErrNoSecret
	}
}

// awaitKeys waits until the ring rejects what none of its keys has signed.
func awaitKeys(ring *signature.Keyring) {
	unsigned := strings.Repeat("0", signature.Size)
	for range 30 {
		if _, err := ring.Verify(nil, unsigned); !errors.Is(err, signature.ErrUnavailable) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// secretKeys returns a key for each secret of the environment and the file.
func secretKeys(file *File) ([]signature.Key, error) {
	secret, ok, err := lookupSecret(file, SecretVariable)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", SecretVariable, err)
	}
	previous, rotating, err := lookupSecret(file, previousSecretVariable)
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
