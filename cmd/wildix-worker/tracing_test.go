package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
)

// tracingTo is tracing that has begun, and what it logs as a warning.
func tracingTo(t *testing.T, endpoint string) (*tracing, *observer.ObservedLogs) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	var wrong faults
	traces := newTracing(&wrong)
	fatal(t, wrong.err())
	core, logs := observer.New(zapcore.WarnLevel)
	fatal(t, traces.start(t.Context(), zap.New(core)))
	return traces, logs
}

func TestTracesOfErrorsThatAreNoTextAreDelivered(t *testing.T) {
	var received atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if n, _ := io.Copy(io.Discard, r.Body); n > 0 {
			received.Add(1)
		}
	}))
	defer collector.Close()
	traces, logs := tracingTo(t, collector.URL)
	failing := events.HandlerFunc(func(context.Context, *events.Event) error { return errors.New("caf\xe9") })
	if err := traces.handler("failing")(failing).HandleEvent(t.Context(), &events.Event{Type: "call:end"}); err == nil {
		t.Error("the handler's error is lost")
	}
	traces.stop()
	if received.Load() != 1 || logs.Len() != 0 {
		t.Errorf("%d requests, log %v", received.Load(), logs.All())
	}
}

func TestStopTellsOfTracesThatAreLost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, as the system does it, and never answers
	fatal(t, err)
	defer l.Close()
	traces, logs := tracingTo(t, "http://"+l.Addr().String())
	_, span := traces.tracer.Start(t.Context(), "process calls")
	span.End()
	traces.stop()
	if logs.FilterMessageSnippet("spans are lost").Len() != 1 {
		t.Errorf("log %v", logs.All())
	}
}
