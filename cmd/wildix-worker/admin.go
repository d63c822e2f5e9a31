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
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/console"
	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
)

// adminSettings say where the program can be looked at while it runs.
type adminSettings struct {
	AdminAddr       adminAddr `placeholder:"127.0.0.1:9464" env:"WILDIX_ADMIN_ADDR" help:"Where to serve the console, /metrics, /healthz and /readyz; empty for nowhere. On any address but loopback, WILDIX_ADMIN_TOKEN is the bearer token for the first two."`
	ConsoleUnmasked bool      `env:"WILDIX_CONSOLE_UNMASKED" help:"The console shows names, phone numbers and emails as they are."`
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
	shows          console.Config
	console        *console.Console // nil while nobody can look at it
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

// consumes has the admin show what a consumer and its queue are doing.
func (a *admin) consumes(stats func() consumer.Stats, d *depths) {
	a.metrics.Consumer(stats)
	a.registry.MustRegister(d)
	a.healthy, a.ready = checkHealth(stats), checkReadiness(stats)
	a.shows.Stats, a.shows.Depths = stats, d.known
}

// observe is for the Observe of a transport that starts when the admin serves.
func (a *admin) observe(r consumer.Result) {
	a.metrics.Observe(r)
	if a.console != nil {
		a.console.Observe(r)
	}
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
		log.Warn("no metrics and no console: the admin address can't be used", zap.Error(err))
		return func() {}, nil
	}
	a.shows.Unmasked = s.ConsoleUnmasked
	stop = a.serveOn(l, log)
	log.Info("metrics", zap.Stringer("address", l.Addr()), zap.String("console", pageURL(l)))
	return stop, nil
}

// pageURL is where the console is, seen from this machine.
func pageURL(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err != nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// serveOn serves on a listener until stop is called.
func (a *admin) serveOn(l net.Listener, log *zap.Logger) (stop func()) {
	a.shows.Version, a.shows.Ready = version(), a.ready
	a.console = console.New(a.shows)
	srv := &http.Server{
		Handler: a.handler(l.Addr(), os.Getenv(adminTokenVariable)), ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
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
		cancel() // so that no stream of the console holds up the rest
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			srv.Close()
		}
		serving.Wait()
	}
}

// handler serves what is there. On an address that others reach it wants the token for
// all but the two questions of a load balancer.
func (a *admin) handler(at net.Addr, token string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", tellState(a.healthy))
	mux.Handle("GET /readyz", tellState(a.ready))
	scrape := promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{})
	protect := func(next http.Handler) http.Handler { return withToken(next, token) }
	shown := http.NotFoundHandler()
	tcp, ok := at.(*net.TCPAddr)
	local := ok && tcp.IP.IsLoopback()
	if local {
		protect = func(next http.Handler) http.Handler { return next }
	}
	if a.console != nil {
		shown = a.console.Handler(protect)
	}
	if local {
		shown = withLocalName(shown)
	}
	mux.Handle("GET /metrics", protect(scrape))
	mux.Handle("GET /", shown)
	return mux
}

// withLocalName refuses what asks for another name than this machine's own: where no
// token is wanted, another site could have its name lead here and read what is shown.
func withLocalName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil { // no port
			host = strings.Trim(r.Host, "[]")
		}
		if !isLoopback(host) {
			http.Error(w, "the console answers to localhost and 127.0.0.1 only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
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
