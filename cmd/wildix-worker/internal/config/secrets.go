package config

import (
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// The variables that hold signing secrets, and the token of the admin address. They have no
// flags, since everyone on the machine can see the flags of a process.
const (
	SecretVariable         = "WILDIX_SECRET"
	previousSecretVariable = "WILDIX_PREVIOUS_SECRET" // a second valid secret, while it is rotated
	AdminTokenVariable     = "WILDIX_ADMIN_TOKEN"
)

// secretVariables have no flag. In the file they stand for a variable of the environment, such
// as admin_token: ${CONSOLE_TOKEN}.
var secretVariables = []string{
	SecretVariable, previousSecretVariable, AdminTokenVariable,
	"WILDIX_FORWARD_URL", "WILDIX_FORWARD_SECRET", "WILDIX_FORWARD_HEADERS",
}

var secretHelp = map[string]string{
	SecretVariable:           "The signing secret.",
	previousSecretVariable:   "A second valid signing secret, while it is rotated.",
	AdminTokenVariable:       "The bearer token for the console and /metrics.",
	"WILDIX_FORWARD_URL":     "Where the handler forward sends events.",
	"WILDIX_FORWARD_SECRET":  "Signs what forward sends.",
	"WILDIX_FORWARD_HEADERS": "Headers that forward sends, one a line.",
}

// SecretKeys are the keys of the secrets in the file. Their values name variables.
func SecretKeys() (keys []configfile.Key) {
	for _, variable := range secretVariables {
		instead := "write ${" + variable + "}, or another variable of the environment"
		if variable == SecretVariable || variable == previousSecretVariable {
			instead += ", or set secrets_file"
		}
		keys = append(keys, configfile.Key{
			Name: secretKey(variable), Secret: true, Instead: instead,
			Help: secretHelp[variable] + " ${NAME}, for an environment variable that holds it.",
		})
	}
	return keys
}

// secretKey returns the key of a secret in the file.
func secretKey(variable string) string {
	return strings.ToLower(strings.TrimPrefix(variable, "WILDIX_"))
}
