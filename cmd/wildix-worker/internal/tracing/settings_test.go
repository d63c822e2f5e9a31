package tracing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func TestWrongSettingsAreNamedWithoutSecrets(t *testing.T) {
	setenv(t,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector.example:4317/hidden",
		"OTEL_EXPORTER_OTLP_PROTOCOL=thrift",
		"OTEL_EXPORTER_OTLP_HEADERS=hidden",
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s",
		"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=zstd",
		"OTEL_EXPORTER_OTLP_INSECURE=1",
		"OTEL_EXPORTER_OTLP_CERTIFICATE=none.pem",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client.pem",
		"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=client.key",
		"OTEL_RESOURCE_ATTRIBUTES=testing",
	)
	_, faults := FromEnvironment()
	const want = `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: not a URL such as http://localhost:4318
OTEL_EXPORTER_OTLP_PROTOCOL: unknown protocol "thrift" (have grpc, http/json, http/protobuf)
OTEL_EXPORTER_OTLP_HEADERS: not percent-encoded NAME=VALUE pairs, separated by commas
OTEL_EXPORTER_OTLP_TIMEOUT: "10s" is not a number of milliseconds from 1
OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "zstd" is not gzip or none
OTEL_EXPORTER_OTLP_INSECURE: "1" is not true or false
OTEL_EXPORTER_OTLP_CERTIFICATE: open none.pem: no such file or directory
OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: needs OTEL_EXPORTER_OTLP_CLIENT_KEY
OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: needs OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE
OTEL_RESOURCE_ATTRIBUTES: not percent-encoded NAME=VALUE pairs, separated by commas`
	if got := errors.Join(faults...); got == nil || got.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", got, want)
	}
}

// The exporters ignore these settings silently, or report an error only when they start.
func TestSettingsThatExportersIgnoreAreRefused(t *testing.T) {
	certificate, key := writeCertificate(t)
	for name, test := range map[string]struct {
		set  []string
		want string
	}{
		"password": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://ada:hidden@localhost:4318"},
			"OTEL_EXPORTER_OTLP_ENDPOINT: user and password are not sent: set OTEL_EXPORTER_OTLP_HEADERS to authorization=Basic%20 and their base64 encoding"},
		"query": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318?key=hidden"},
			"OTEL_EXPORTER_OTLP_ENDPOINT: a query is not sent: leave out what follows the path"},
		"header name": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_EXPORTER_OTLP_HEADERS=api key=hidden"},
			"OTEL_EXPORTER_OTLP_HEADERS: " + notPairs},
		"authority without TLS": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE=" + certificate},
			"OTEL_EXPORTER_OTLP_CERTIFICATE: needs an https:// endpoint"},
		"client certificate without TLS": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318",
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY=" + key},
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: needs an https:// endpoint"},
		"no certificate in the file": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE=" + key},
			"OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate in " + key},
		"key of another kind": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:4318",
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY=" + certificate},
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: tls: found a certificate rather than a key in the PEM for the private key"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, test.set...)
			if _, faults := FromEnvironment(); len(faults) != 1 || faults[0].Error() != test.want {
				t.Errorf("got %v, want %s", faults, test.want)
			}
		})
	}
}

func TestTracingIsOffWithoutEndpoint(t *testing.T) {
	for name, set := range map[string][]string{
		"nothing":     {},
		"empty":       {"OTEL_EXPORTER_OTLP_ENDPOINT= ", "OTEL_EXPORTER_OTLP_TIMEOUT=wrong"},
		"disabled":    {"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example", "OTEL_SDK_DISABLED=True"},
		"no exporter": {"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example", "OTEL_TRACES_EXPORTER=none"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, set...)
			settings, faults := FromEnvironment()
			if faults != nil {
				t.Error(faults)
			}
			tracing, err := Start(t.Context(), settings, "v1", nil)
			if tracing != nil || err != nil || tracing.Tracer() != nil {
				t.Errorf("started %v, error %v", tracing, err)
			}
			tracing.Stop()
		})
	}
}

func TestLoggedEndpointIsWhereSpansGo(t *testing.T) {
	for name, test := range map[string]struct {
		set  []string
		want string
	}{
		"all signals": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318/base"}, "http://localhost:4318/base/v1/traces"},
		"traces":      {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:4318/base"}, "http://localhost:4318/base"},
		"gRPC":        {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317/base", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "http://localhost:4317"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, test.set...)
			settings, faults := FromEnvironment()
			if faults != nil || settings.endpoint != test.want {
				t.Errorf("endpoint %s, want %s; %v", settings.endpoint, test.want, faults)
			}
		})
	}
}

// writeCertificate writes a self-signed certificate for 127.0.0.1, and its key.
func writeCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: loopback}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	fatal(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	fatal(t, err)
	return writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", keyDER)
}

func writePEM(t *testing.T, kind string, der []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file.pem")
	fatal(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
