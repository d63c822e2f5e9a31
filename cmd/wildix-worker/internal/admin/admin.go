// Package admin serves the admin address: metrics, health and the console.
package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin/console"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
	"wildix-worker/events/calls"
	"wildix-worker/events/route"
	"wildix-worker/internal/connlimit"
)

const (
	// maxConnections is how many connections are open at once: enough for the viewers of the
	// console, Prometheus and health checks, and few of the files that a process may open.
	maxConnections = 128
	// maxUntrusted is how many of them may have shown no token. The oldest gives way.
	maxUntrusted   = 64
	maxHeaderBytes = 16 << 10
)

// Admin serves the admin address. Set its fields before Serve or ServeOn.
type Admin struct {
	Metrics *metrics.Metrics
	// Healthy and Ready answer /healthz and /readyz. If one is nil, its path always answers 200.
	Healthy, Ready func() error
	// Destinations returns the state of the destinations. It is nil if there are none.
	Destinations func() []route.Stats
	// DeadLetters returns the dead-letter queue, whose messages the console then lists and
	// redrives when it is asked to. It is nil without a queue.
	DeadLetters func(context.Context) (*deadletter.Queue, error)
	// Missed returns inbound calls that were missed; see console.Config. It is nil without a
	// place that has them.
	Missed   func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error)
	Unmasked bool   // names, numbers and emails are shown unmasked
	Token    string // bearer token of the console and /metrics; empty if none is needed

	version  buildinfo.Version
	registry *prometheus.Registry
	reloads  *prometheus.CounterVec
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
	reloads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wildix_config_reloads_total", Help: "How often the configuration file was read again.",
	}, []string{"result"})
	reloads.WithLabelValues("success")
	reloads.WithLabelValues("failure")
	registry.MustRegister(build, reloads, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Admin{version: v, registry: registry, reloads: reloads, Metrics: metrics.New(registry)}
}

// Consumer adds the metrics, health and statistics of a consumer, and its queue's depths.
func (a *Admin) Consumer(c *consumer.Consumer, depths *metrics.Depths) {
	a.Metrics.Consumer(c.Stats)
	a.registry.MustRegister(depths)
	a.Healthy, a.Ready, a.stats, a.depths = c.Healthy, c.Ready, c.Stats, depths
}

// Reloaded counts an attempt to read the configuration file again.
func (a *Admin) Reloaded(success bool) {
	if success {
		a.reloads.WithLabelValues("success").Inc()
		return
	}
	a.reloads.WithLabelValues("failure").Inc()
}

// Observe records a result. It must not be called before Serve has returned.
func (a *Admin) Observe(r consumer.Result) {
	a.Metrics.Observe(r)
	if a.console != nil {
		a.console.Observe(r)
	}
}

// Serve serves the address of the settings until stop is called. If the default address
// can't be used, such as when two workers run on one machine, it logs that and serves nothing.
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

// PageURL returns the URL of the console for a browser on this machine.
func PageURL(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err != nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// ServeOn serves on a listener until stop is called.
func (a *Admin) ServeOn(l net.Listener, log *zap.Logger) (stop func()) {
	cfg := console.Config{Version: string(a.version), Unmasked: a.Unmasked, Ready: a.Ready, Stats: a.stats, Destinations: a.Destinations, DeadLetters: a.DeadLetters, Missed: a.Missed, Logger: log}
	if a.depths != nil {
		cfg.Depths = a.consoleDepths
	}
	a.console = console.New(cfg)
	guard := newGuard(a.Token, a.registry, log)
	connections := connlimit.New(l, connlimit.Config{Max: maxConnections, MaxUntrusted: maxUntrusted})
	srv := &http.Server{
		Handler: a.handler(l.Addr(), guard), ConnState: connections.ConnState, ConnContext: connections.ConnContext,
		MaxHeaderBytes: maxHeaderBytes, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: zap.NewStdLog(zap.NewNop()),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { a.console.Run(ctx) })
	serving.Go(func() {
		if err := srv.Serve(connections); !errors.Is(err, http.ErrServerClosed) {
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
