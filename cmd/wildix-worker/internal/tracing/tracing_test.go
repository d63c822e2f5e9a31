package tracing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
)

// start starts tracing with the settings of the environment, and returns the log of warnings.
func start(t *testing.T) (*Tracing, *observer.ObservedLogs) {
	t.Helper()
	settings, faults := FromEnvironment()
	fatal(t, errors.Join(faults...))
	core, logs := observer.New(zapcore.WarnLevel)
	tracing, err := Start(t.Context(), settings, "v1.2.3", zap.New(core))
	fatal(t, err)
	return tracing, logs
}

// export sends one span and returns the log of warnings.
func export(t *testing.T) *observer.ObservedLogs {
	t.Helper()
	tracing, logs := start(t)
	_, span := tracing.Tracer().Start(t.Context(), "process calls")
	span.End()
	tracing.Stop()
	return logs
}

var protocols = []struct {
	name, contentType string
	grpc              bool
}{
	{"http/protobuf", "application/x-protobuf", false},
	{"http/json", "application/json", false},
	{"grpc", "application/grpc", true},
}

func TestCollectorReceivesSpans(t *testing.T) {
	for _, protocol := range protocols {
		for _, compression := range []string{"none", "gzip"} {
			t.Run(protocol.name+"/"+compression, func(t *testing.T) {
				c := newCollector(t, protocol.grpc, nil)
				setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url+"/base",
					"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="+protocol.name, "OTEL_EXPORTER_OTLP_PROTOCOL=thrift",
					"OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b", "OTEL_EXPORTER_OTLP_COMPRESSION="+compression,
					"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=testing")
				if logs := export(t); logs.Len() != 0 {
					t.Errorf("log %v", logs.All())
				}
				got := c.received()
				if !slices.Equal(got.spans, []string{"process calls"}) {
					t.Errorf("spans %q", got.spans)
				}
				if got.service["service.name"] != "wildix-worker" || got.service["service.version"] != "v1.2.3" || got.service["deployment.environment.name"] != "testing" {
					t.Errorf("resource %v", got.service)
				}
				wantPath := "POST /base/v1/traces"
				if protocol.grpc {
					wantPath = "gRPC"
				}
				if !slices.Equal(got.paths, []string{wantPath}) {
					t.Errorf("requests %q, want %q", got.paths, wantPath)
				}
				c.wantHeader("api-key", "a b")
				c.wantHeader("content-type", protocol.contentType)
				if !protocol.grpc && compression == "gzip" {
					c.wantHeader("content-encoding", "gzip")
				}
			})
		}
	}
}

func (c *collector) wantHeader(name, value string) {
	c.t.Helper()
	headers := c.received().headers
	for header, values := range headers {
		if strings.EqualFold(header, name) {
			if !slices.Equal(values, []string{value}) {
				c.t.Errorf("header %s is %q, want %q", name, values, value)
			}
			return
		}
	}
	c.t.Errorf("no header %s in %v", name, headers)
}

func TestPrivateAuthorityAndClientCertificate(t *testing.T) {
	certificate, key := writeCertificate(t)
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			c := newCollector(t, protocol.grpc, serverTLS(t, certificate, key))
			setenv(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol.name, "OTEL_EXPORTER_OTLP_TIMEOUT=200")
			if logs := export(t); logs.Len() == 0 || c.received().spans != nil {
				t.Error("sent to a collector with an unknown authority")
			}
			setenv(t, "OTEL_EXPORTER_OTLP_TIMEOUT=", "OTEL_EXPORTER_OTLP_CERTIFICATE="+certificate,
				"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE="+certificate, "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY="+key)
			if logs := export(t); logs.Len() != 0 || len(c.received().spans) != 1 {
				t.Errorf("spans %q, log %v", c.received().spans, logs.All())
			}
		})
	}
}

func TestErrorThatIsNotUTF8IsDelivered(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			c := newCollector(t, protocol.grpc, nil)
			setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol.name)
			tracing, logs := start(t)
			failing := events.HandlerFunc(func(context.Context, *events.Event) error { return errors.New("caf\xe9") })
			if err := tracing.Handler("failing")(failing).HandleEvent(t.Context(), &events.Event{Type: events.CallEnd}); err == nil {
				t.Error("the handler's error is lost")
			}
			tracing.Stop()
			if !slices.Equal(c.received().spans, []string{"failing"}) || logs.Len() != 0 {
				t.Errorf("spans %q, log %v", c.received().spans, logs.All())
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	c := newCollector(t, false, nil)
	elsewhere := httptest.NewServer(http.RedirectHandler(c.url, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+elsewhere.URL, "OTEL_EXPORTER_OTLP_HEADERS=api-key=hidden")
	if logs := export(t); logs.FilterMessageSnippet("spans are lost").Len() != 1 || c.received().paths != nil {
		t.Errorf("requests %q, log %v", c.received().paths, logs.All())
	}
}

func TestStopLogsLostSpans(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections, but never answers
			fatal(t, err)
			defer l.Close()
			setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+l.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol)
			if logs := export(t); logs.FilterMessageSnippet("spans are lost").Len() == 0 {
				t.Errorf("log %v", logs.All())
			}
		})
	}
}

func TestLoggedErrorIsCut(t *testing.T) {
	answer := strings.Repeat("no ", 1<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, answer, http.StatusBadRequest) }))
	defer server.Close()
	setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL)
	logs := export(t).All()
	if len(logs) != 1 {
		t.Fatalf("log %v", logs)
	}
	if logged, _ := logs[0].ContextMap()["error"].(string); len(logged) > 2*maxLogged || !strings.Contains(logged, "400 Bad Request") {
		t.Errorf("logged %q", logged)
	}
}
