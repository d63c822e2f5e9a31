package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"time"

	"wildix-worker/consumer/sqslocal"
)

// The actions that a consumer of a queue calls.
var actions = []string{"ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"}

// serve runs the server process until its standard input ends: a queue's server, and an HTTP
// service with what the benchmark asks it and with a destination that answers at once. It
// prints the URLs of both.
func serve() error {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		return err
	}
	defer srv.Close()
	timed := &timedDeletes{server: srv}
	mux := http.NewServeMux()
	mux.Handle("/", timed)
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(countCalls(srv)) })
	mux.HandleFunc("GET /await", func(w http.ResponseWriter, r *http.Request) { answerAwait(srv, w, r) })
	mux.HandleFunc("GET /depth", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(srv.Depth(r.FormValue("queue")))
	})
	mux.HandleFunc("GET /deletes", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(timed.take()) })
	mux.HandleFunc("POST /destination", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	service := httptest.NewServer(mux)
	defer service.Close()
	fmt.Println(srv.URL(), service.URL)
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func countCalls(srv *sqslocal.Server) map[string]int {
	calls := make(map[string]int)
	for _, action := range actions {
		calls[action] = srv.Calls(action)
	}
	return calls
}

// A drain is when a queue got empty, in nanoseconds since 1970. Zero is not yet.
type drain struct {
	First int64 // some message had been received
	Most  int64 // 99 % were deleted
	All   int64 // all were deleted
}

// answerAwait waits until a full queue of as many messages as the request says is empty, but
// for as many as it says may be left. It answers after some seconds even if the queue is not, so
// that the asker can look whether the consumers still live.
//
// Speed is taken from the first 99 %. On loopback, and more so on a busy machine, an answer can
// come before the SDK is ready for it and is lost; its messages are delivered again a visibility
// timeout later, which has nothing to do with the consumer. See package sqslocal.
func answerAwait(srv *sqslocal.Server, w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("queue")
	messages, _ := strconv.Atoi(r.FormValue("messages"))
	left, _ := strconv.Atoi(r.FormValue("left"))
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	var d drain
	for d.All == 0 && ctx.Err() == nil {
		depth, now := srv.Depth(name), time.Now().UnixNano()
		waiting := depth.Visible + depth.Delayed
		undone := max(0, waiting+depth.InFlight-left)
		if d.First == 0 && waiting < messages {
			d.First = now
		}
		if d.Most == 0 && undone <= messages/100 {
			d.Most = now
		}
		if undone == 0 && waiting == 0 {
			d.All = now
		}
		time.Sleep(time.Millisecond)
	}
	json.NewEncoder(w).Encode(d)
}
