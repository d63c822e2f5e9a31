package forward

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// hiddenText stands for a secret in an answer.
const hiddenText = "***"

const (
	// minSecret is the length from which on a value is hidden: many words contain a shorter one.
	minSecret = 4
	// minWord is that of a part of a URL or of a header's value.
	minWord = 8
	// minToken is the length from which on a part of a path is hidden although it has no digit.
	minToken = 20
)

// secrets hides what we sent, and what others must not read, in the answer of an endpoint
// that quotes it.
type secrets struct {
	forms    []string // the longest first
	replacer *strings.Replacer
}

// publicHeaders are configured headers whose values are not secret.
var publicHeaders = []string{"Content-Type", "Accept", "User-Agent"}

func newSecrets(target *url.URL, header http.Header, signing string) secrets {
	values := append(urlSecrets(target), signing)
	for name, all := range header {
		if slices.Contains(publicHeaders, textproto.CanonicalMIMEHeaderKey(name)) {
			continue
		}
		for _, value := range all {
			values = append(values, value)
			values = append(values, longWords(strings.Fields(value), minWord)...)
		}
	}
	var forms []string
	for _, value := range values {
		if value = oneLine(value); len(value) >= minSecret {
			forms = append(forms, formsOf(value)...)
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	forms = slices.Compact(forms)
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, hiddenText)
	}
	return secrets{forms, strings.NewReplacer(pairs...)}
}

func (s secrets) hide(text string) string { return s.replacer.Replace(text) }

// withoutCut returns a text that was cut off without the beginning of a secret at its end.
func (s secrets) withoutCut(text string) string {
	text = strings.TrimSuffix(text, "\ufffd") // half a character
	for _, form := range s.forms {
		for n := min(len(form), len(text)); n >= minSecret; n-- {
			if strings.HasSuffix(text, form[:n]) {
				return text[:len(text)-n]
			}
		}
	}
	return text
}

// urlSecrets returns the URL and its parts that may be secret. The host is none.
func urlSecrets(u *url.URL) []string {
	values := []string{u.String(), u.RawQuery, u.Fragment}
	for _, path := range []string{u.RequestURI(), u.EscapedPath(), u.Path} {
		if len(path) >= minWord {
			values = append(values, path, strings.TrimPrefix(path, "/"))
		}
	}
	for part := range strings.SplitSeq(u.EscapedPath(), "/") {
		if len(part) >= minToken || len(part) >= minWord && strings.ContainsAny(part, "0123456789") {
			values = append(values, part)
		}
	}
	for _, all := range u.Query() {
		values = append(values, longWords(all, minWord)...)
	}
	if password, ok := u.User.Password(); ok {
		login := u.User.Username() + ":" + password
		values = append(values, password, base64.StdEncoding.EncodeToString([]byte(login)))
	}
	return values
}

func longWords(words []string, least int) []string {
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool { return len(word) < least })
}

// formsOf returns a text as it may stand in JSON, HTML and a URL.
func formsOf(text string) []string {
	forms := []string{text, html.EscapeString(text), strings.ReplaceAll(text, "/", `\/`), url.QueryEscape(text), url.PathEscape(text)}
	if quoted, err := json.Marshal(text); err == nil {
		inner := string(quoted[1 : len(quoted)-1])
		forms = append(forms, inner, strings.ReplaceAll(inner, "/", `\/`))
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		forms = append(forms, decoded)
	}
	return forms
}
