package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	prefix         = "OTEL_EXPORTER_OTLP_"
	defaultTimeout = 10 * time.Second
)

// Settings are those of OpenTelemetry's specification that a client needs.
type Settings struct {
	URL     string            // may hold a password
	Headers map[string]string // may hold a password
	Timeout time.Duration     // of one export, with all its tries
	Gzip    bool
	TLS     *tls.Config // nil for the system's
}

// Endpoint is the URL without what may be secret in it.
func (s *Settings) Endpoint() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// FromEnvironment reads the variables OTEL_EXPORTER_OTLP_*, each also as
// OTEL_EXPORTER_OTLP_TRACES_*, which goes first. ok tells whether spans are asked for:
// an endpoint is set, and neither OTEL_SDK_DISABLED nor OTEL_TRACES_EXPORTER=none says
// otherwise. The errors, joined, name every wrong variable, and quote no header.
func FromEnvironment() (s Settings, ok bool, err error) {
	endpoint, name := lookup("ENDPOINT")
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return Settings{}, false, nil
	}
	var faults []error
	fault := func(name string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	s.URL, err = endpointURL(endpoint, name)
	fault(name, err)
	text, name := lookup("HEADERS")
	s.Headers, err = parseHeaders(text)
	fault(name, err)
	text, name = lookup("TIMEOUT")
	s.Timeout, err = parseTimeout(text)
	fault(name, err)
	text, name = lookup("COMPRESSION")
	s.Gzip, err = parseCompression(text)
	fault(name, err)
	text, name = lookup("CERTIFICATE")
	s.TLS, err = readRoots(text)
	fault(name, err)
	text, name = lookup("PROTOCOL")
	fault(name, checkProtocol(text))
	text, name = lookup("CLIENT_CERTIFICATE")
	if text != "" {
		fault(name, errors.New("client certificates are not supported"))
	}
	return s, true, errors.Join(faults...)
}

// lookup returns the value of a variable and which of its two names it has.
func lookup(suffix string) (value, name string) {
	name = prefix + "TRACES_" + suffix
	if value = strings.TrimSpace(os.Getenv(name)); value != "" {
		return value, name
	}
	name = prefix + suffix
	return strings.TrimSpace(os.Getenv(name)), name
}

// endpointURL is the URL to send to: that of traces is taken as it is, and the one
// that all signals share is what their paths follow.
func endpointURL(text, name string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", errors.New("not a URL such as http://localhost:4318") // it may hold a password
	}
	if name == prefix+"ENDPOINT" {
		return u.JoinPath("v1/traces").String(), nil
	}
	return u.String(), nil
}

// parseHeaders reads name=value pairs with commas between, percent-encoded.
func parseHeaders(text string) (map[string]string, error) {
	headers := make(map[string]string)
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || name == "" || err != nil {
			return nil, errors.New("not NAME=VALUE pairs with commas between them, percent-encoded")
		}
		headers[name] = value
	}
	return headers, nil
}

func parseTimeout(text string) (time.Duration, error) {
	if text == "" {
		return defaultTimeout, nil
	}
	millis, err := strconv.Atoi(text)
	if err != nil || millis < 1 {
		return 0, fmt.Errorf("%q is not a number of milliseconds from 1", text)
	}
	return time.Duration(millis) * time.Millisecond, nil
}

func parseCompression(text string) (zip bool, err error) {
	switch text {
	case "", "none":
		return false, nil
	case "gzip":
		return true, nil
	default:
		return false, fmt.Errorf("%q is not gzip or none", text)
	}
}

func checkProtocol(text string) error {
	switch text {
	case "", "http/protobuf":
		return nil
	default:
		return fmt.Errorf("%q is not spoken: use http/protobuf, for which collectors listen at port 4318", text)
	}
}

// readRoots returns a configuration that trusts the authorities of a file.
func readRoots(path string) (*tls.Config, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return &tls.Config{RootCAs: roots}, nil
}
