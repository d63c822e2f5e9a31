package demo

import (
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// outageAfter is how many events the endpoint takes before its first outage.
	outageAfter = 8
	// outageTime is long enough for the worker to find it down at the default rate.
	outageTime = 3 * time.Second
	// outageInterval is the time between outages of a demo that goes on.
	outageInterval = time.Minute
)

// A crm is an HTTP endpoint that takes events, and is down for a while now and then.
type crm struct {
	URL        string
	deliveries deliveries
	server     http.Server

	mu       sync.Mutex
	accepted int
	upAt     time.Time // the end of the last outage
}

// startCRM starts the endpoint on a port of this machine.
func startCRM() (*crm, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &crm{URL: "http://" + l.Addr().String() + "/"}
	c.server.Handler = http.HandlerFunc(c.serve)
	go func() { _ = c.server.Serve(l) }() // until Close
	return c, nil
}

func (c *crm) Close() { c.server.Close() }

func (c *crm) serve(w http.ResponseWriter, r *http.Request) {
	if c.isDown(time.Now()) {
		http.Error(w, "closed for a moment", http.StatusServiceUnavailable)
		return
	}
	c.deliveries.add(r.Header.Get("Idempotency-Key"))
	w.WriteHeader(http.StatusNoContent)
}

func (c *crm) isDown(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	begins := c.accepted >= outageAfter && now.Sub(c.upAt) > outageInterval
	switch {
	case now.Before(c.upAt):
		return true
	case begins:
		c.upAt = now.Add(outageTime)
		return true
	default:
		c.accepted++
		return false
	}
}
