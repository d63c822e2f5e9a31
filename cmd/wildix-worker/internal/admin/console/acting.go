package console

import (
	"encoding/json"
	"mime"
	"net/http"
	"time"
)

const (
	// actHeader must be in a request that acts. A page of another site can't set it without
	// asking first, which the console never permits.
	actHeader = "Wildix-Console"
	// maxAct is the largest body of such a request.
	maxAct = 64 << 10
	// actTimeout is how long the answer may take.
	actTimeout = 2 * time.Minute
)

// acting lets through only requests of the console's own page, or of a program that does as the
// page does.
func acting(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch {
		case r.Header.Get(actHeader) != "1":
			http.Error(w, "the header "+actHeader+": 1 is missing", http.StatusForbidden)
		case mediaType != "application/json":
			http.Error(w, "the Content-Type must be application/json", http.StatusUnsupportedMediaType)
		default:
			next.ServeHTTP(w, r)
		}
	}))
}

// act is a handler that decodes the body, and answers with the result of do as JSON or with
// its error.
func act[In, Out any](do func(*http.Request, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The server's own timeout is too short for a queue that does not answer.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(actTimeout))
		var in In
		body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct))
		body.DisallowUnknownFields()
		if err := body.Decode(&in); err != nil {
			http.Error(w, "the body is not as expected: "+err.Error(), http.StatusBadRequest)
			return
		}
		out, err := do(r, in)
		if err != nil {
			http.Error(w, shownError(err), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(out) // the client has gone
	})
}
