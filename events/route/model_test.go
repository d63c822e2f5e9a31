package route_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// Whatever the destinations do and whenever deliveries end, nothing stays behind, no limit
// is exceeded, and every event that is not ended is handled.
func TestNothingStaysBehind(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			destinations, endpoints := misbehaving(seed, random)
			router := newRouter(t, destinations...)
			tr := newTransport(router)
			tr.timeout = 90 * time.Second
			sendBesidesHasty(tr, random)
			for _, h := range endpoints {
				h.succeed()
			}
			time.Sleep(6 * time.Hour)
			synctest.Wait()
			for n := range 300 {
				if outcome, ok := tr.outcome(n); !ok || outcome != events.Handled {
					t.Errorf("seed %d, event %d: %v, %v", seed, n, outcome, ok)
				}
			}
			for i, s := range router.Stats() {
				if s.Held != 0 || s.Running != 0 || s.State != route.Up {
					t.Errorf("seed %d: left %+v", seed, s)
				}
				if most := endpoints[i].most; most > destinations[i].Concurrency+8 {
					t.Errorf("seed %d: %d calls at once, limit %d", seed, most, destinations[i].Concurrency)
				}
			}
			tr.close()
		})
	}
}

// misbehaving returns three destinations with limits of their own, and their endpoints.
func misbehaving(seed uint64, random *rand.Rand) (destinations []route.Destination, endpoints []*endpoint) {
	for i := range 3 {
		h := &endpoint{}
		h.set(misbehave(rand.New(rand.NewPCG(seed, uint64(i)+2))))
		endpoints = append(endpoints, h)
		destinations = append(destinations, route.Destination{Name: fmt.Sprint("d", i), Handler: h, Concurrency: 1 + random.IntN(12), Timeout: time.Minute})
	}
	return destinations, endpoints
}

// sendBesidesHasty sends 300 events, and as many by other transports to the same router,
// whose deliveries end at any time.
func sendBesidesHasty(tr *transport, random *rand.Rand) {
	hasty := newTransport(tr.router)
	for n := range 300 {
		tr.send(event(n))
		hasty.send(event(1000 + n))
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		if n%50 == 49 {
			hasty.close()
			hasty = newTransport(tr.router)
		}
	}
	hasty.close()
}

// misbehave returns a handler that is up and down for minutes, and fails in every way.
func misbehave(random *rand.Rand) func(context.Context, *events.Event) error {
	lock := make(chan struct{}, 1)
	draw := func(n int) int {
		lock <- struct{}{}
		defer func() { <-lock }()
		return random.IntN(n)
	}
	return func(ctx context.Context, _ *events.Event) error {
		kind := draw(40)
		if time.Now().Unix()/120%2 == 0 {
			kind = draw(9)
		}
		switch kind {
		case 0, 1, 2:
			return errRefused
		case 3:
			<-ctx.Done()
			return ctx.Err()
		case 4:
			return events.RetryAfter(time.Duration(draw(10))*time.Second, nil)
		case 5:
			return events.Unavailable(time.Duration(draw(20))*time.Second, errRefused)
		case 6:
			return events.Hold(func(resume func()) { time.AfterFunc(time.Duration(draw(10))*time.Second, resume) }, nil)
		case 7:
			panic(strings.Repeat("bug", 3))
		case 8:
			return events.RetryAfter(time.Second, errRefused)
		default:
			time.Sleep(time.Duration(draw(2000)) * time.Millisecond)
			return nil
		}
	}
}
