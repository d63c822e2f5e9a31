package console

import (
	"regexp"
	"strings"
	"unicode"
)

// secretMask stands for a secret, which is not shown even where nothing is masked.
const secretMask = "***"

// secretWords are parts of the names of fields that hold secrets, without separators.
var secretWords = []string{"secret", "signature", "token", "password", "passwd", "apikey", "privatekey", "credential", "authorization", "cookie"}

// isSecret reports whether a field's name says that it holds a secret.
func isSecret(name string) bool {
	name = compact(name)
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// compact returns a name without separators, in lower case.
func compact(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

var (
	// userInfo matches the user and password of a URL.
	userInfo = regexp.MustCompile(`://[^/?#\s@]+@`)
	// bearer matches a token as it stands in an Authorization header.
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[\w.~+/=-]{16,}`)
	// parameter matches a parameter of a URL or form.
	parameter = regexp.MustCompile(`([\w.-]+)=([^&;\s"'<>]+)`)
)

// withoutSecrets returns a text without the secrets that a URL or header in it may hold.
func withoutSecrets(s string) string {
	s = userInfo.ReplaceAllString(s, "://"+secretMask+"@")
	s = bearer.ReplaceAllString(s, "$1 "+secretMask)
	return parameter.ReplaceAllStringFunc(s, func(p string) string {
		if name, _, _ := strings.Cut(p, "="); isSecret(name) {
			return name + "=" + secretMask
		}
		return p
	})
}
