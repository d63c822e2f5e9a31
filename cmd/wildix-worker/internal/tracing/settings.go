package tracing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
)

const (
	prefix         = "OTEL_EXPORTER_OTLP_"
	defaultTimeout = 10 * time.Second // as OpenTelemetry specifies

	notPairs = "not percent-encoded NAME=VALUE pairs, separated by commas"
)

// Settings holds the settings of an exporter, from OpenTelemetry's environment variables. The
// exporters read the same variables, but they log a wrong value and use a default instead, so
// the variables are checked here first.
type Settings struct {
	on       bool
	grpc     bool
	endpoint string // for the log, without parts that may be secret
	timeout  time.Duration
	tls      *tls.Config // nil to use the system's authorities
}

// FromEnvironment reads OpenTelemetry's variables. Tracing is on if an endpoint is set,
// unless OTEL_SDK_DISABLED is true or OTEL_TRACES_EXPORTER is none. It returns an error for
// each wrong variable. The error names the variable and does not quote secrets.
func FromEnvironment() (Settings, []error) {
	endpoint, name := lookup("ENDPOINT")
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return Settings{}, nil
	}
	s := Settings{on: true}
	var f faults
	u, err := parseEndpoint(endpoint)
	f.add(name, err)
	s.readProtocol(&f)
	if u != nil {
		s.endpoint = endpointForLog(u, name, s.grpc)
	}
	checkHeaders(&f)
	s.readTimeout(&f)
	checkCompression(&f)
	checkInsecure(&f)
	s.readTLS(&f, u)
	if _, err := resource.New(context.Background(), resource.WithFromEnv()); err != nil {
		f.add("OTEL_RESOURCE_ATTRIBUTES", errors.New(notPairs))
	}
	return s, f
}

type faults []error

// add adds err, if it is not nil, with the name of its variable.
func (f *faults) add(name string, err error) {
	if err != nil {
		*f = append(*f, fmt.Errorf("%s: %w", name, err))
	}
}

// lookup returns the value and name of a variable with the suffix. The variable for traces
// takes precedence over the one for all signals.
func lookup(suffix string) (value, name string) {
	name = prefix + "TRACES_" + suffix
	if value = strings.TrimSpace(os.Getenv(name)); value != "" {
		return value, name
	}
	name = prefix + suffix
	return strings.TrimSpace(os.Getenv(name)), name
}

// parseEndpoint parses an endpoint. It refuses a user, a password and a query, which the
// exporters would silently drop.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("not a URL such as http://localhost:4318") // err quotes the URL
	case u.User != nil:
		return nil, errors.New("user and password are not sent: set " + prefix + "HEADERS to authorization=Basic%20 and their base64 encoding")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("a query is not sent: leave out what follows the path")
	}
	return u, nil
}

func endpointForLog(u *url.URL, name string, grpc bool) string {
	shown := &url.URL{Scheme: u.Scheme, Host: u.Host}
	if grpc {
		return shown.String()
	}
	shown.Path = u.Path
	if name == prefix+"ENDPOINT" { // the exporter adds the path of traces to that of all signals
		shown = shown.JoinPath("v1/traces")
	}
	return shown.String()
}

func (s *Settings) readProtocol(f *faults) {
	switch text, name := lookup("PROTOCOL"); text {
	case "", "http/protobuf", "http/json":
	case "grpc":
		s.grpc = true
	default:
		f.add(name, fmt.Errorf("unknown protocol %q (have grpc, http/json, http/protobuf)", text))
	}
}

// checkHeaders checks that the headers are percent-encoded NAME=VALUE pairs, separated by
// commas.
func checkHeaders(f *faults) {
	text, name := lookup("HEADERS")
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		header, value, found := strings.Cut(pair, "=")
		_, err := url.PathUnescape(value)
		if !found || !isToken(strings.TrimSpace(header)) || err != nil {
			f.add(name, errors.New(notPairs))
			return
		}
	}
}

// isToken reports whether text may be a header's name (RFC 9110, 5.6.2).
func isToken(text string) bool {
	for _, c := range text {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c) {
			return false
		}
	}
	return text != ""
}

func (s *Settings) readTimeout(f *faults) {
	s.timeout = defaultTimeout
	text, name := lookup("TIMEOUT")
	if text == "" {
		return
	}
	millis, err := strconv.Atoi(text)
	if err != nil || millis < 1 {
		f.add(name, fmt.Errorf("%q is not a number of milliseconds from 1", text))
		return
	}
	s.timeout = time.Duration(millis) * time.Millisecond
}

func checkCompression(f *faults) {
	if text, name := lookup("COMPRESSION"); text != "" && text != "none" && text != "gzip" {
		f.add(name, fmt.Errorf("%q is not gzip or none", text))
	}
}

func checkInsecure(f *faults) {
	if text, name := lookup("INSECURE"); text != "" && !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
		f.add(name, fmt.Errorf("%q is not true or false", text))
	}
}

// readTLS reads the certificates. It refuses them for an http:// endpoint, for which an
// exporter would fail or use TLS.
func (s *Settings) readTLS(f *faults, endpoint *url.URL) {
	var config tls.Config
	path, name := lookup("CERTIFICATE")
	if path != "" {
		var err error
		config.RootCAs, err = readAuthorities(path)
		f.add(name, err)
	}
	s.readClientCertificate(f, &config)
	if config.RootCAs == nil && config.Certificates == nil {
		return
	}
	if endpoint != nil && endpoint.Scheme == "http" {
		if config.RootCAs == nil {
			_, name = lookup("CLIENT_CERTIFICATE")
		}
		f.add(name, errors.New("needs an https:// endpoint"))
	}
	s.tls = &config
}

// readClientCertificate reads a certificate and its key. Like the exporters, it accepts them
// only from variables with the same prefix.
func (s *Settings) readClientCertificate(f *faults, config *tls.Config) {
	for _, prefix := range []string{prefix, prefix + "TRACES_"} { // the last one takes precedence
		certName, keyName := prefix+"CLIENT_CERTIFICATE", prefix+"CLIENT_KEY"
		cert, key := strings.TrimSpace(os.Getenv(certName)), strings.TrimSpace(os.Getenv(keyName))
		switch {
		case cert == "" && key == "":
		case key == "":
			f.add(certName, errors.New("needs "+keyName))
		case cert == "":
			f.add(keyName, errors.New("needs "+certName))
		default:
			pair, err := tls.LoadX509KeyPair(cert, key)
			f.add(certName, err)
			if err == nil {
				config.Certificates = []tls.Certificate{pair}
			}
		}
	}
}

func readAuthorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return pool, nil
}
