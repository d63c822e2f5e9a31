package tracing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// defaultExport is the SDK's default timeout of an export (OTEL_BSP_EXPORT_TIMEOUT).
const defaultExport = 30 * time.Second

// answers is a collector that gives each answer in turn, and then repeats the last one.
type answers struct {
	collectorpb.UnimplementedTraceServiceServer
	list []any // a status over HTTP, a code of gRPC, an error, or nil for silence

	mu    sync.Mutex
	times []time.Time
}

func (a *answers) next() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.list[min(len(a.times), len(a.list)-1)]
	a.times = append(a.times, time.Now())
	return next
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	next := a.next()
	if next == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if err, ok := next.(error); ok {
		return nil, err
	}
	resp := httptest.NewRecorder()
	if next == http.StatusTooManyRequests {
		resp.Header().Set("Retry-After", "12")
	}
	resp.WriteHeader(next.(int))
	return resp.Result(), nil
}

// Export implements the service of OTLP over gRPC.
func (a *answers) Export(ctx context.Context, _ *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	next := a.next()
	if next == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &collectorpb.ExportTraceServiceResponse{}, status.Error(next.(codes.Code), "")
}

// exportSpan exports one span, with the SDK's default timeout.
func exportSpan(t *testing.T, exporter sdktrace.SpanExporter) error {
	ctx, cancel := context.WithTimeout(t.Context(), defaultExport)
	defer cancel()
	return exporter.ExportSpans(ctx, tracetest.SpanStubs{{Name: "process calls"}}.Snapshots())
}

func (a *answers) check(t *testing.T, err error, begun time.Time, tries int, pause time.Duration, succeeds bool) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if (err == nil) != succeeds || len(a.times) != tries {
		t.Errorf("%d tries, want %d; error %v", len(a.times), tries, err)
	}
	if len(a.times) > 1 && a.times[1].Sub(a.times[0]) < pause {
		t.Errorf("second try after %s, want %s", a.times[1].Sub(a.times[0]), pause)
	}
	if took := time.Since(begun); took > defaultExport {
		t.Errorf("took %s", took)
	}
}

func TestSpansAreSentAgainOverHTTP(t *testing.T) {
	for name, test := range map[string]struct {
		answers  []any
		tries    int
		pause    time.Duration // before the second try, at least
		succeeds bool
	}{
		"accepted":          {[]any{200}, 1, 0, true},
		"unavailable":       {[]any{503, 504, 200}, 3, 2500 * time.Millisecond, true},
		"too many requests": {[]any{429, 200}, 2, 12 * time.Second, true},
		"asks for too much": {[]any{429, 429, 429, 200}, 3, 12 * time.Second, false},
		"refused":           {[]any{400, 200}, 1, 0, false},
		"redirect":          {[]any{307, 200}, 1, 0, false},
		"not there":         {[]any{syscall.ECONNREFUSED, 200}, 1, 0, false},
		"silent at first":   {[]any{nil, 200}, 2, defaultTimeout, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: test.answers}
				client := httpClient(Settings{timeout: defaultTimeout})
				client.Transport = a
				exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithHTTPClient(client))
				fatal(t, err)
				begun := time.Now()
				err = exportSpan(t, exporter)
				a.check(t, err, begun, test.tries, test.pause, test.succeeds)
			})
		})
	}
}

func TestSpansAreSentAgainOverGRPC(t *testing.T) {
	for name, test := range map[string]struct {
		answers  []any
		tries    int
		pause    time.Duration
		succeeds bool
	}{
		"accepted":    {[]any{codes.OK}, 1, 0, true},
		"unavailable": {[]any{codes.Unavailable, codes.OK}, 2, 2500 * time.Millisecond, true},
		"refused":     {[]any{codes.InvalidArgument, codes.OK}, 1, 0, false},
		"silent":      {[]any{nil}, 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: test.answers}
				server := grpc.NewServer()
				collectorpb.RegisterTraceServiceServer(server, a)
				l := bufconn.Listen(1 << 16)
				go server.Serve(l)
				defer server.Stop()
				exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint("passthrough:collector"), otlptracegrpc.WithInsecure(),
					otlptracegrpc.WithDialOption(grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return l.Dial() })))
				fatal(t, err)
				begun := time.Now()
				err = exportSpan(t, exporter)
				a.check(t, err, begun, test.tries, test.pause, test.succeeds)
				fatal(t, exporter.Shutdown(t.Context()))
			})
		})
	}
}

type failing struct {
	sdktrace.SpanExporter
	err error
}

func (f *failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return f.err }

func TestFailureIsLoggedOncePerChange(t *testing.T) {
	inner := &failing{}
	core, logs := observer.New(zapcore.InfoLevel)
	exporter := newLoggedExporter(inner, zap.New(core))
	for _, err := range []error{nil, errors.New("no answer"), errors.New("no answer"), nil, nil, errors.New("no answer")} {
		inner.err = err
		if err := exportSpan(t, exporter); err != nil {
			t.Errorf("error %v is logged again by the SDK", err)
		}
	}
	var messages []string
	for _, entry := range logs.All() {
		messages = append(messages, entry.Message)
	}
	want := []string{"traces can't be sent; spans are lost", "traces are sent again", "traces can't be sent; spans are lost"}
	if !slices.Equal(messages, want) {
		t.Errorf("log %q, want %q", messages, want)
	}
	if lost := logs.All()[1].ContextMap()["lost"]; lost != int64(2) {
		t.Errorf("lost %v, want 2", lost)
	}
}
