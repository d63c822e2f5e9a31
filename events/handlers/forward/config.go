package forward

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/linklocal"
	"wildix-worker/events/template"
)

// DefaultTimeout is the Timeout of a Config that sets none.
const DefaultTimeout = 10 * time.Second

// Config is the configuration of a Handler. URL is required.
type Config struct {
	// URL is the endpoint, with the scheme http or https. Errors contain only its host
	// and port.
	URL string
	// Secret signs the request body. If it is empty, the PBX's signature is sent.
	Secret string
	// Template makes the request body. Nil sends the event as it was signed.
	Template *template.Template
	// Header has additional headers, such as Authorization. It may replace
	// Content-Type and User-Agent, but no other header that the handler sets.
	Header http.Header
	// RetryStatuses are statuses from 400 to 499 that may be retried, besides 408, 425
	// and 429.
	RetryStatuses []int
	// Mask hides phone numbers and email addresses in what errors quote of an answer, as
	// [events.MaskText] does.
	Mask bool
	// Timeout limits a template, and a request from dialing to the response headers. Zero means
	// DefaultTimeout. The context of HandleEvent may end earlier.
	Timeout time.Duration
}

func (cfg Config) withDefaults() Config {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	return cfg
}

// Validate returns nil or an error that joins an *[events.FieldError] for each invalid
// field.
func (cfg Config) Validate() error {
	var faults []error
	fault := func(field string, err error) {
		if err != nil {
			faults = append(faults, &events.FieldError{Field: field, Err: err})
		}
	}
	fault("URL", checkURL(cfg.URL))
	fault("Header", checkHeader(cfg.Header))
	fault("RetryStatuses", checkStatuses(cfg.RetryStatuses))
	if cfg.Timeout < 0 {
		fault("Timeout", fmt.Errorf("%s is negative", cfg.Timeout))
	}
	if cfg.Template != nil && isJSON(cfg.contentType()) {
		fault("Template", cfg.Template.CheckJSON())
	}
	return errors.Join(faults...)
}

// The errors do not quote the URL, as that of url.Parse would: it may be a secret.
var (
	errURL  = errors.New("not a URL such as https://hooks.example.com/calls")
	errPort = errors.New("the port is not one from 1 to 65535")
	// errSeparator is the error of what is likely a list of URLs.
	errSeparator = errors.New("has a space or a comma; set one URL, with a space in it as %20 and a comma as %2C")
)

func checkURL(text string) error {
	if text == "" {
		return errors.New("required; set the URL of the endpoint, such as https://hooks.example.com/calls")
	}
	if strings.ContainsAny(text, " \t\r\n,") {
		return errSeparator
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errURL
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errPort
		}
	}
	return linklocal.CheckHost(u.Hostname())
}

// ownHeaders are set by the handler or by net/http.
var ownHeaders = []string{
	signatureHeader, keyHeader, eventHeader, countHeader, replayHeader,
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade",
}

func checkHeader(header http.Header) error {
	for name, values := range header {
		switch {
		case !isHeaderName(name):
			return errors.New("a header's name has characters other than letters, digits, - and _") // not quoted: it may be a secret
		case slices.Contains(ownHeaders, textproto.CanonicalMIMEHeaderKey(name)):
			return fmt.Errorf("%s is set by the worker", name)
		case slices.ContainsFunc(values, hasControl):
			return fmt.Errorf("the value of %s has a control character", name)
		}
	}
	return nil
}

// isHeaderName reports whether a name is valid. HTTP allows some more punctuation.
func isHeaderName(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func hasControl(value string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

func checkStatuses(statuses []int) error {
	for _, status := range statuses {
		if status < 400 || status > 499 {
			return fmt.Errorf("%d is not a status from 400 to 499; all others are retried or are success", status)
		}
	}
	return nil
}

func (cfg Config) contentType() string {
	switch {
	case cfg.Header.Get("Content-Type") != "":
		return cfg.Header.Get("Content-Type")
	case cfg.Template != nil && cfg.Template.ContentType() != "":
		return cfg.Template.ContentType()
	default:
		return "application/json"
	}
}

// isJSON reports whether a content type is JSON.
func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}
