// Package config holds the settings that several commands share. It parses their flags and
// environment variables, and reports all wrong settings in one error.
package config

import (
	"os"
	"strings"
)

// UnsetEmpty unsets the program's variables that are empty, since compose files set
// variables without a value to the empty string. It keeps an empty secret, which is most
// likely a mistake to report, and an empty admin address, which stands for none.
func UnsetEmpty() {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		ours := strings.HasPrefix(name, "WILDIX_") || name == "SQS_URL"
		if ours && value == "" && name != SecretVariable && name != adminAddrVariable {
			os.Unsetenv(name)
		}
	}
}
