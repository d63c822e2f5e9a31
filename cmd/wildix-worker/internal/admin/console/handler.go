package console

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"net/http"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// assets are the files of the page, which hold no data.
var assets = []struct{ pattern, file, contentType string }{
	{"/{$}", "index.html", "text/html; charset=utf-8"},
	{"/console/page.css", "page.css", "text/css; charset=utf-8"},
	{"/console/page.js", "page.js", "text/javascript; charset=utf-8"},
	{"/console/stream.js", "stream.js", "text/javascript; charset=utf-8"},
	{"/console/rows.js", "rows.js", "text/javascript; charset=utf-8"},
	{"/console/plot.js", "plot.js", "text/javascript; charset=utf-8"},
	{"/console/missed.js", "missed.js", "text/javascript; charset=utf-8"},
	{"/console/deadletters.js", "deadletters.js", "text/javascript; charset=utf-8"},
	{"/console/charts.js", "charts.js", "text/javascript; charset=utf-8"},
	{"/console/cursor.js", "cursor.js", "text/javascript; charset=utf-8"},
	{"/console/event.js", "event.js", "text/javascript; charset=utf-8"},
	{"/console/icon.svg", "icon.svg", "image/svg+xml"},
}

// policy allows the page to load only its own files and stream. Trusted types keep scripts
// from turning text into markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// writeTimeout is the time after which a watcher that does not read is disconnected.
const writeTimeout = 5 * time.Second

// Handler serves the page to everyone, and data behind protect. The two POST requests about dead
// letters are the only ones that act.
func (c *Console) Handler(protect func(http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, a := range assets {
		mux.Handle("GET "+a.pattern, serveAsset(a.file, a.contentType))
	}
	mux.Handle("GET /console/events", sameOrigin(protect(http.HandlerFunc(c.stream))))
	mux.Handle("GET /console/event", sameOrigin(protect(http.HandlerFunc(c.open))))
	if d := c.deadLetters; d != nil {
		mux.Handle("POST /console/dead-letters", acting(protect(act(d.list))))
		mux.Handle("POST /console/dead-letters/redrive", acting(protect(act(d.redrive))))
	}
	return withHeaders(mux)
}

func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses requests that a page of another site makes. Such a page can't read the
// stream, but would count as a watcher.
func sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "only the console's own page may request this", http.StatusForbidden)
		}
	})
}

func serveAsset(file, contentType string) http.Handler {
	content, err := static.ReadFile("static/" + file)
	if err != nil {
		panic(err) // it is embedded
	}
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(content))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
	})
}

// stream sends server-sent events until the watcher leaves or the console is stopped.
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	if err := c.pub.addWatcher(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer c.pub.removeWatcher()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	for have := uint64(0); ; {
		frame, number, changed, err := c.pub.next(have)
		if err == nil && number != have {
			have, err = number, send(control, w, frame)
		}
		if err != nil || !c.wait(r.Context(), changed) {
			return
		}
	}
}

func send(control *http.ResponseController, w http.ResponseWriter, frame []byte) error {
	if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "data: %s\n\n", frame); err != nil {
		return err
	}
	return control.Flush()
}

// wait waits for the next frame. It returns false if the stream must end.
func (c *Console) wait(ctx context.Context, changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	case <-ctx.Done():
	case <-c.pub.closed:
	}
	return false
}
