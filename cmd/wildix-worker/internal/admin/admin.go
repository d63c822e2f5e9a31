// Package admin serves the admin address: metrics, health and the console.
package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin/console"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
)

// Admin collects what the admin address serves. Its fields are set before Serve or ServeOn.
type Admin struct {
	Metrics *metrics.Metrics
	// Healthy and Ready are called for /healthz and /readyz. Nil means always.
	Healthy, Ready func() error
	Unmasked       bool // the console shows names, numbers and emails as they are

	version  buildinfo.Version
	registry *prometheus.Registry
	stats    func() consumer.Stats // nil without a consumer
	depths   *metrics.Depths       // nil without a queue
	console  *console.Console      // nil until it is served
}

// New returns an Admin without a consumer.
func New(v buildinfo.Version) *Admin {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wildix_build_info", Help: "1, with the version.",
		ConstLabels: prometheus.Labels{"version": string(v), "go": runtime.Version()},
	})
	build.Set(1)
	registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Admin{version: v, registry: registry, Metrics: metrics.New(registry)}
}

// Consumer adds a consumer and the depths of its queue.
func (a *Admin) Consumer(c *consumer.Consumer, depths *metrics.Depths) {
	a.Metrics.Consumer(c.Stats)
	a.registry.MustRegister(depths)
	a.Healthy, a.Ready, a.stats, a.depths = c.Healthy, c.Ready, c.Stats, depths
}

// Observe is for the Observe of a transport that starts after Serve.
func (a *Admin) Observe(r consumer.Result) {
	a.Metrics.Observe(r)
	if a.console != nil {
		a.console.Observe(r)
	}
}

// Serve serves the address of the settings until stop is called. If it is the default
// address and can't be used, as when two workers run on a machine, that is only logged.
func (a *Admin) Serve(s *config.Admin, log *zap.Logger) (stop func(), err error) {
	addr := s.AdminAddr.Addr()
	if addr == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil && s.AdminAddr.Chosen() {
		return nil, fmt.Errorf("--admin-addr (WILDIX_ADMIN_ADDR): %w", err)
	}
	if err != nil {
		log.Warn("no metrics and no console: the admin address can't be used", zap.Error(err))
		return func() {}, nil
	}
	a.Unmasked = s.ConsoleUnmasked
	stop = a.ServeOn(l, log)
	log.Info("metrics", zap.Stringer("address", l.Addr()), zap.String("console", PageURL(l)))
	return stop, nil
}

// PageURL returns the URL of the console, seen from this machine.
func PageURL(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err != nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// ServeOn serves on a listener until stop is called.
func (a *Admin) ServeOn(l net.Listener, log *zap.Logger) (stop func()) {
	shown := console.Config{Version: string(a.version), Unmasked: a.Unmasked, Ready: a.Ready, Stats: a.stats}
	if a.depths != nil {
		shown.Depths = a.consoleDepths
	}
	a.console = console.New(shown)
	srv := &http.Server{
		Handler: a.handler(l.Addr(), os.Getenv(config.AdminTokenVariable)), ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: zap.NewStdLog(zap.NewNop()),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { a.console.Run(ctx) })
	serving.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin address no longer served", zap.Error(err))
		}
	})
	return func() {
		cancel() // end the streams of the console, for which Shutdown would wait
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			srv.Close()
		}
		serving.Wait()
	}
}

func (a *Admin) consoleDepths(ctx context.Context) []console.Depth {
	latest := a.depths.Latest(ctx)
	depths := make([]console.Depth, len(latest))
	for i, d := range latest {
		depths[i] = console.Depth(d)
	}
	return depths
}
