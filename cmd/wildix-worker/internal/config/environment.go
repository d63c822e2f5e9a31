// Package config holds the settings that several commands share: their flags and
// environment variables, how they are parsed, and how everything that is wrong with them
// is reported at once.
package config

import (
	"os"
	"strings"
)

// UnsetEmpty unsets the program's variables that are empty, as compose files leave many.
// An empty secret stays, since it is more likely an accident, and an empty admin address,
// which means none.
func UnsetEmpty() {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		ours := strings.HasPrefix(name, "WILDIX_") || name == "SQS_URL"
		if ours && value == "" && name != SecretVariable && name != adminAddrVariable {
			os.Unsetenv(name)
		}
	}
}
