package soak_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// destinations are those of each worker. Every message is for all of them.
var destinations = []string{"crm", "archive"}

// outageTime is how long a destination is down, and how long all are up after that.
const outageTime = 3 * time.Second

// An outage is trouble of one destination, for all workers at once.
type outage struct {
	destination int
	hangs       bool
	ends        time.Time
}

// outageAt returns the outage at a time, if any. The destinations are down in turns, and
// fail or hang in turns.
func outageAt(now time.Time) (o outage, ok bool) {
	period := int(now.UnixNano() / int64(outageTime))
	if period%2 == 1 {
		return outage{}, false
	}
	return outage{
		destination: period / 2 % len(destinations),
		hangs:       period/2/len(destinations)%2 == 1,
		ends:        time.Unix(0, int64(period+1)*int64(outageTime)),
	}, true
}

// handler returns a router to the destinations. Each writes the id of an event to the
// ledger before it returns nil.
func (cfg workerConfig) handler(ledger io.Writer) (*route.Router, error) {
	var routes route.Config
	for n, name := range destinations {
		routes.Destinations = append(routes.Destinations, route.Destination{
			Name: name,
			Handler: events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
				if n == 0 && strings.HasPrefix(e.ID, permanent.String()) {
					return events.Permanent(errors.New("the event can't be handled"))
				}
				if !cfg.Calm {
					if err := cfg.misbehave(ctx, n); err != nil {
						return cfg.retrySoon(err)
					}
				}
				_, err := ledger.Write(entry(n, e.ID))
				return err
			}),
		})
	}
	return route.New(routes)
}

// retrySoon is for all errors, also those of an outage and of a timeout: after some receives,
// the growing delay of a message is minutes, and its FIFO group waits as long.
func (cfg workerConfig) retrySoon(err error) error {
	if !cfg.RetrySoon {
		return err
	}
	return events.RetryAfter(rand.N(2*time.Second), err)
}

var errDown = errors.New("CRM is down")

// misbehave fails or hangs in an outage. Besides, it sometimes takes longer than a lease or
// the handler timeout, fails or panics.
func (cfg workerConfig) misbehave(ctx context.Context, destination int) error {
	if o, ok := outageAt(time.Now()); ok && o.destination == destination {
		if o.hangs {
			wait(ctx, time.Until(o.ends))
		}
		return fmt.Errorf("%s: %w", destinations[destination], errDown)
	}
	if rand.IntN(len(destinations)) > 0 {
		return nil // so that as many messages have trouble as with one destination
	}
	var delay time.Duration
	switch n := rand.IntN(100); {
	case n < 3:
		delay = rand.N(2 * cfg.Lease)
	case n < 20:
		delay = rand.N(100 * time.Millisecond)
	}
	if err := wait(ctx, delay); err != nil {
		return err
	}
	asksForDelay := events.RetryAfter(rand.N(2*time.Second), errDown)
	switch n := rand.IntN(100); {
	case n < 9:
		return asksForDelay
	case n < 11:
		panic(asksForDelay)
	case n < 14:
		return errDown
	}
	return nil
}

// wait returns after d, or the cause when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
