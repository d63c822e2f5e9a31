package otlp

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// export sends one span with the settings of the environment.
func export(t *testing.T) error {
	t.Helper()
	settings, ok, err := FromEnvironment()
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	exporter, err := otlptrace.New(t.Context(), New(settings))
	if err != nil {
		t.Fatal(err)
	}
	var failure error
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporterFunc{exporter, &failure}))
	_, span := provider.Tracer("test").Start(t.Context(), "process calls")
	span.End()
	if err := provider.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	return failure
}

// An exporterFunc keeps the error that the SDK would only log.
type exporterFunc struct {
	sdktrace.SpanExporter
	failure *error
}

func (e exporterFunc) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	*e.failure = e.SpanExporter.ExportSpans(ctx, spans)
	return *e.failure
}

// TestACollectorReadsWhatIsSent decodes with the messages of OTLP itself.
func TestACollectorReadsWhatIsSent(t *testing.T) {
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			var got collectorpb.ExportTraceServiceRequest
			collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/base/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Api-Key") != "a b" {
					t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
				}
				body := io.Reader(r.Body)
				if compression == "gzip" {
					unzipped, err := gzip.NewReader(r.Body)
					if err != nil {
						t.Error(err)
						return
					}
					body = unzipped
				}
				content, err := io.ReadAll(body)
				if err == nil {
					err = proto.Unmarshal(content, &got)
				}
				if err != nil {
					t.Error(err)
				}
			}))
			defer collector.Close()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL+"/base")
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b")
			t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
			if err := export(t); err != nil {
				t.Fatal(err)
			}
			if name := got.ResourceSpans[0].ScopeSpans[0].Spans[0].Name; name != "process calls" {
				t.Errorf("span %q", name)
			}
		})
	}
}

func TestPrivateAuthorityIsTrustedIfItsCertificateIsNamed(t *testing.T) {
	collector := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
	if err := export(t); err == nil {
		t.Error("trusted without its certificate")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", writePEM(t, collector.Certificate().Raw))
	if err := export(t); err != nil {
		t.Error(err)
	}
}

// answers are a transport's, one after the other; the last one again and again.
type answers struct {
	list  []any // a status, or an error
	times []time.Time
}

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	next := a.list[min(len(a.times), len(a.list)-1)]
	a.times = append(a.times, time.Now())
	if err, ok := next.(error); ok {
		return nil, err
	}
	resp := httptest.NewRecorder()
	if next == http.StatusTooManyRequests {
		resp.Header().Set("Retry-After", "4")
	}
	resp.WriteHeader(next.(int))
	return resp.Result(), nil
}

func TestSpansAreSentAgainUntilTheTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		answers   []any
		tries     int
		pause     time.Duration // before the second try, at least
		succeeded bool
	}{
		"taken":                {[]any{200}, 1, 0, true},
		"no room":              {[]any{503, 200}, 2, minPause / 2, true},
		"not there":            {[]any{errors.New("refused"), 502, 200}, 3, minPause / 2, true},
		"asks for time":        {[]any{429, 200}, 2, 4 * time.Second, true},
		"asks for too much":    {[]any{429, 429, 429, 200}, 3, 4 * time.Second, false},
		"does not want them":   {[]any{400, 200}, 1, 0, false},
		"sends them elsewhere": {[]any{307, 200}, 1, 0, false},
		"never there":          {[]any{errors.New("refused")}, 4, minPause / 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(Settings{URL: "http://collector.example", Timeout: defaultTimeout})
				transport := &answers{list: test.answers}
				c.http.Transport = transport
				begun := time.Now()
				err := c.UploadTraces(t.Context(), nil)
				if (err == nil) != test.succeeded || len(transport.times) < test.tries {
					t.Errorf("%d tries, %v", len(transport.times), err)
				}
				if len(transport.times) > 1 && transport.times[1].Sub(begun) < test.pause {
					t.Errorf("second try after %s, want %s", transport.times[1].Sub(begun), test.pause)
				}
				if took := time.Since(begun); took > defaultTimeout {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestSilentCollectorIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Settings{URL: "http://collector.example", Timeout: defaultTimeout})
		c.http.Transport = silent{}
		begun := time.Now()
		if err := c.UploadTraces(t.Context(), nil); err == nil || time.Since(begun) != defaultTimeout {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestWrongSettingsAreNamedWithoutWhatIsSecret(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector.example:4317/hidden")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "hidden")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "none.pem")
	t.Setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "client.pem")
	_, ok, err := FromEnvironment()
	const want = `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: not a URL such as http://localhost:4318
OTEL_EXPORTER_OTLP_HEADERS: not NAME=VALUE pairs with commas between them, percent-encoded
OTEL_EXPORTER_OTLP_TIMEOUT: "10s" is not a number of milliseconds from 1
OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "zstd" is not gzip or none
OTEL_EXPORTER_OTLP_CERTIFICATE: open none.pem: no such file or directory
OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not spoken: use http/protobuf, for which collectors listen at port 4318
OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client certificates are not supported`
	if !ok || err == nil || err.Error() != want {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestNothingIsSentUnlessAnEndpointIsSet(t *testing.T) {
	for name, set := range map[string][]string{
		"nothing":     {},
		"empty":       {"OTEL_EXPORTER_OTLP_ENDPOINT="},
		"disabled":    {"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example", "OTEL_SDK_DISABLED=True"},
		"no exporter": {"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example", "OTEL_TRACES_EXPORTER=none"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range set {
				variable, value, _ := strings.Cut(pair, "=")
				t.Setenv(variable, value)
			}
			if _, ok, err := FromEnvironment(); ok || err != nil {
				t.Errorf("%v, %v", ok, err)
			}
		})
	}
}

func writePEM(t *testing.T, certificate []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "authority.pem")
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
