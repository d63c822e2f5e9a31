package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"wildix-worker/consumer/metrics"
)

// adminSettings say where the program can be looked at while it runs.
type adminSettings struct {
	AdminAddr adminAddr `placeholder:"127.0.0.1:9464" env:"WILDIX_ADMIN_ADDR" help:"Where to serve /metrics, /healthz and /readyz; empty for nowhere. On any address but loopback, WILDIX_ADMIN_TOKEN is the bearer token for /metrics."`
}

const (
	defaultAdminAddr = "127.0.0.1:9464"
	// adminAddrVariable means something when it is empty.
	adminAddrVariable = "WILDIX_ADMIN_ADDR"
	// adminTokenVariable has no flag, as a secret has none.
	adminTokenVariable = "WILDIX_ADMIN_TOKEN"
)

// An adminAddr is an address to listen on, "" for none.
type adminAddr struct {
	addr   string
	chosen bool
}

// UnmarshalText never fails.
func (a *adminAddr) UnmarshalText(text []byte) error {
	*a = adminAddr{string(text), true}
	return nil
}

// check notes what is wrong with the settings.
func (s *adminSettings) check(wrong *faults) {
	if !s.AdminAddr.chosen || s.AdminAddr.addr == "" {
		return
	}
	const setting = "--admin-addr (WILDIX_ADMIN_ADDR)"
	host, err := splitAddr(s.AdminAddr.addr)
	token := os.Getenv(adminTokenVariable)
	if strings.TrimSpace(token) != token {
		wrong.add(adminTokenVariable, errSpaceAround)
	}
	switch {
	case err != nil:
		wrong.add(setting, err)
	case !isLoopback(host) && token == "":
		wrong.add(setting, fmt.Errorf("%s is not a loopback address: set %s, the bearer token that is asked for there", s.AdminAddr.addr, adminTokenVariable))
	}
}

// splitAddr returns the host of an address to listen on.
func splitAddr(addr string) (host string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return "", fmt.Errorf("%q is not HOST:PORT or :PORT", addr)
	}
	return host, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// An admin is what can be looked at while the program runs.
type admin struct {
	registry       *prometheus.Registry
	metrics        *metrics.Metrics
	healthy, ready func() error // nil: always
}

func newAdmin() *admin {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wildix_build_info", Help: "1, with the version.",
		ConstLabels: prometheus.Labels{"version": version(), "go": runtime.Version()},
	})
	build.Set(1)
	registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &admin{registry: registry, metrics: metrics.New(registry)}
}

// serve serves until stop is called. A default address that is taken, as when two
// workers run on a machine, is only worth a warning.
func (a *admin) serve(s *adminSettings, log *zap.Logger) (stop func(), err error) {
	addr := s.AdminAddr.addr
	if !s.AdminAddr.chosen {
		addr = defaultAdminAddr
	}
	if addr == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil && s.AdminAddr.chosen {
		return nil, fmt.Errorf("--admin-addr (%s): %w", adminAddrVariable, err)
	}
	if err != nil {
		log.Warn("no metrics: the admin address can't be used", zap.Error(err))
		return func() {}, nil
	}
	srv := &http.Server{
		Handler: a.handler(l.Addr(), os.Getenv(adminTokenVariable)), ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: zap.NewStdLog(zap.NewNop()),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin address no longer served", zap.Error(err))
		}
	}()
	log.Info("metrics", zap.Stringer("address", l.Addr()))
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			srv.Close()
		}
		<-done
	}, nil
}

// handler serves what is there. On an address that others reach it wants the token for
// all but the two questions of a load balancer.
func (a *admin) handler(at net.Addr, token string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", tellState(a.healthy))
	mux.Handle("GET /readyz", tellState(a.ready))
	scrape := promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{})
	if tcp, ok := at.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		scrape = withToken(scrape, token)
	}
	mux.Handle("GET /metrics", scrape)
	return mux
}

func tellState(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if check != nil {
			if err := check(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	})
}

func withToken(next http.Handler, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found || token == "" || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
