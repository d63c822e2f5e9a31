package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wildix-worker/cmd/wildix-worker/internal/admin/console"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/internal/connlimit"
)

// handler serves all paths. On an address that is not loopback it requires the token,
// except for /healthz, /readyz and the files of the page, which hold no data. There /readyz
// shows errors of destinations only to those with the token. On loopback, what holds data is
// for requests to a local host only.
func (a *Admin) handler(at net.Addr, guard *guard) http.Handler {
	mux := http.NewServeMux()
	metrics := guard.require(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	protect, explains := guard.require, guard.hasToken
	page, acts := http.NotFoundHandler(), http.NotFoundHandler()
	tcp, ok := at.(*net.TCPAddr)
	local := ok && tcp.IP.IsLoopback()
	if local {
		protect = func(next http.Handler) http.Handler { return next }
		explains = func(r *http.Request) bool { return isLocal(r.Host) }
		metrics = requireLocalHost(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	}
	if a.console != nil {
		page = a.console.Handler(protect)
		acts = page
	}
	if local {
		page, acts = requireLocalHost(page), requireLocalHost(requireLocalOrigin(acts))
	}
	mux.Handle("GET /healthz", reportState(a.Healthy, func(*http.Request) string { return "ok" }))
	mux.Handle("GET /readyz", reportState(a.Ready, func(r *http.Request) string {
		return a.ready(explains(r))
	}))
	mux.Handle("GET /metrics", metrics)
	mux.Handle("GET /", page)
	mux.Handle("POST /console/", acts)
	if !local {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connlimit.Trust(r.Context())
		mux.ServeHTTP(w, r)
	})
}

// requireLocalHost refuses requests whose Host is not this machine. Where no token is
// required, another site could otherwise point its own name here and read the data (DNS
// rebinding).
func requireLocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			http.Error(w, "without a token, this answers only to the host localhost or 127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requireLocalOrigin refuses requests of a page that a proxy has opened to other machines under
// its own name.
func requireLocalOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || !isLocal(u.Host) {
				http.Error(w, "without a token, only the page at localhost or 127.0.0.1 may request this", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal reports whether the host, with or without a port, is this machine.
func isLocal(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil { // no port
		host = strings.Trim(hostPort, "[]")
	}
	return config.IsLoopback(host)
}

// reportState answers 200 with the words, or 503 with the error of check.
func reportState(check func() error, words func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if check != nil {
			if err := check(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, words(r))
	})
}

// ready returns the words of a worker that is ready. They name the destinations that are
// down, and with errors also why: an error may quote what a destination has answered.
func (a *Admin) ready(errors bool) string {
	words := []string{"ready"}
	if a.Destinations != nil {
		var explain func(string) string
		if errors {
			explain = func(text string) string { return console.ErrorText(text, a.Unmasked) }
		}
		words = append(words, handlers.Outages(a.Destinations(), explain)...)
	}
	return strings.Join(words, "; ")
}
