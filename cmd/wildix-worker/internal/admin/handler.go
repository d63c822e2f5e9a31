package admin

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wildix-worker/cmd/wildix-worker/internal/config"
)

// handler serves all paths. On an address that is not loopback it requires the token,
// except for the page without its data and for the two paths of a load balancer.
func (a *Admin) handler(at net.Addr, token string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", reportState(a.Healthy))
	mux.Handle("GET /readyz", reportState(a.Ready))
	metrics := promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{})
	protect := func(next http.Handler) http.Handler { return withToken(next, token) }
	page := http.NotFoundHandler()
	tcp, ok := at.(*net.TCPAddr)
	local := ok && tcp.IP.IsLoopback()
	if local {
		protect = func(next http.Handler) http.Handler { return next }
	}
	if a.console != nil {
		page = a.console.Handler(protect)
	}
	if local {
		page = withLocalName(page)
	}
	mux.Handle("GET /metrics", protect(metrics))
	mux.Handle("GET /", page)
	return mux
}

// withLocalName refuses requests for any host but this machine. Where no token is required,
// another site could otherwise point its own name here and read the data (DNS rebinding).
func withLocalName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil { // no port
			host = strings.Trim(r.Host, "[]")
		}
		if !config.IsLoopback(host) {
			http.Error(w, "the console answers to localhost and 127.0.0.1 only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func reportState(check func() error) http.Handler {
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
