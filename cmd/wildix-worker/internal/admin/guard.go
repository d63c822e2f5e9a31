package admin

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/internal/connlimit"
	"wildix-worker/internal/outage"
)

const (
	// wrongTokenDelay is how long the answer to a wrong token takes, so that nobody can try
	// many.
	wrongTokenDelay = 500 * time.Millisecond
	// guessingEnds is how long after the last wrong token a right one ends the guessing.
	guessingEnds = 10 * time.Minute
)

var errWrongToken = errors.New("the bearer token is not that of this worker")

// A guard lets through what has the token.
type guard struct {
	token    string // empty if nothing has it
	wrong    prometheus.Counter
	guessing *outage.Log
}

func newGuard(token string, registry prometheus.Registerer, log *zap.Logger) *guard {
	g := &guard{
		token: token,
		wrong: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wildix_admin_wrong_tokens_total", Help: "Requests to the admin address with a wrong token.",
		}),
		guessing: outage.New(outage.Config{
			Logger: log, Level: zapcore.WarnLevel, Calm: guessingEnds,
			Failing: "wrong tokens at the admin address", Working: "no more wrong tokens at the admin address",
		}),
	}
	registry.MustRegister(g.wrong)
	return g
}

// require answers 401 to requests without the token.
func (g *guard) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.hasToken(r) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hasToken reports whether the request has the token. If it has another one, that is counted,
// and takes a while. The connection of a request with the token is kept when others need room.
func (g *guard) hasToken(r *http.Request) bool {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return false
	}
	given, found := strings.CutPrefix(authorization, "Bearer ")
	if found && g.token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(g.token)) == 1 {
		g.guessing.Succeeded()
		connlimit.Trust(r.Context())
		return true
	}
	g.wrong.Inc()
	g.guessing.Failed(errWrongToken, zap.String("remote", r.RemoteAddr))
	select {
	case <-time.After(wrongTokenDelay):
	case <-r.Context().Done():
	}
	return false
}
