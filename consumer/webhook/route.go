package webhook

import (
	"net/http"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/internal/connlimit"
)

// Path is where Serve receives events, with or without a slash at its end.
const Path = "/webhook"

// maxLoggedPath is how much of a path is logged.
const maxLoggedPath = 100

// route serves the requests of Serve. A connection without a valid signature is closed after
// the answer, so that it does not stay idle.
func (r *Receiver) route(w http.ResponseWriter, req *http.Request) {
	if connlimit.Untrusted(req.Context()) {
		closeAfterAnswer(w)
	}
	switch {
	case strings.TrimSuffix(req.URL.Path, "/") == Path:
		r.ServeHTTP(w, req)
	case req.Method == http.MethodPost:
		r.serveElsewhere(w, req)
	default:
		http.NotFound(w, req)
	}
}

func closeAfterAnswer(w http.ResponseWriter) { w.Header().Set("Connection", "close") }

// trust keeps the connection of a request with a valid signature open. A request in chunks
// is the last one of its connection all the same.
func trust(w http.ResponseWriter, req *http.Request) {
	connlimit.Trust(req.Context())
	if len(req.TransferEncoding) == 0 {
		w.Header().Del("Connection")
	}
}

// serveElsewhere answers 404 to a POST to another path. If it is signed, somebody has given
// the PBX a wrong address, and its events are lost.
func (r *Receiver) serveElsewhere(w http.ResponseWriter, req *http.Request) {
	if !r.limiter.acquire() {
		writeUnavailable(w, minRetryDelay)
		return
	}
	defer r.limiter.release()
	message, failure := r.reader.read(w, req)
	defer message.release()
	if failure == nil {
		if _, err := r.cfg.Keys.Verify(message.body, message.signature); err == nil {
			trust(w, req)
			r.misdirected.Add(1)
			path := req.URL.Path
			r.misdirection.happens(zap.String("path", path[:min(len(path), maxLoggedPath)]), zap.String("want", Path), zap.String("remote", req.RemoteAddr))
		}
	}
	http.NotFound(w, req)
}
