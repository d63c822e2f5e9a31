package tracing

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // collectors support it
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var loopback = []net.IP{net.IPv4(127, 0, 0, 1)}

// A collector accepts OTLP over HTTP and over gRPC, and records what it receives.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	t   *testing.T
	url string

	mu  sync.Mutex
	got received
}

// received holds what a collector has received.
type received struct {
	spans   []string
	service map[string]string // the resource's attributes
	headers map[string][]string
	paths   []string
}

func (c *collector) received() received {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

func (c *collector) add(headers map[string][]string, path string, request *collectorpb.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got.headers = headers
	c.got.paths = append(c.got.paths, path)
	for _, resource := range request.ResourceSpans {
		for _, attribute := range resource.Resource.Attributes {
			c.got.service[attribute.Key] = attribute.Value.GetStringValue()
		}
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				c.got.spans = append(c.got.spans, span.Name)
			}
		}
	}
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			c.t.Error(err)
			return
		}
		body = unzipped
	}
	content, err := io.ReadAll(body)
	if err != nil {
		c.t.Error(err)
	}
	var request collectorpb.ExportTraceServiceRequest
	if r.Header.Get("Content-Type") == "application/json" {
		// OTLP's JSON has identifiers in hexadecimal, but protojson expects base64.
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(content, &request)
	} else {
		err = proto.Unmarshal(content, &request)
	}
	if err != nil {
		c.t.Errorf("%v: %q", err, content)
	}
	c.add(r.Header, r.Method+" "+r.URL.Path, &request)
}

// Export implements the service of OTLP over gRPC.
func (c *collector) Export(ctx context.Context, request *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	c.add(headers, "gRPC", request)
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// newCollector starts a collector, with TLS if the configuration is not nil.
func newCollector(t *testing.T, speakGRPC bool, config *tls.Config) *collector {
	t.Helper()
	c := &collector{t: t, got: received{service: make(map[string]string)}}
	scheme := "http://"
	if config != nil {
		scheme = "https://"
	}
	if !speakGRPC {
		server := httptest.NewUnstartedServer(c)
		server.TLS = config
		if config != nil {
			server.StartTLS()
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		c.url = scheme + server.Listener.Addr().String()
		return c
	}
	var options []grpc.ServerOption
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	server := grpc.NewServer(options...)
	collectorpb.RegisterTraceServiceServer(server, c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	c.url = scheme + l.Addr().String()
	return c
}

// serverTLS returns a configuration with a certificate, and requires it of clients too.
func serverTLS(t *testing.T, certificate, key string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certificate, key)
	fatal(t, err)
	pem, err := os.ReadFile(certificate)
	fatal(t, err)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(pem)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
}
