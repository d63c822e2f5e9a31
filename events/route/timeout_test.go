package route_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// TestCallEndsAtTheEarlierDeadline checks that a handler has the destination's timeout, and no
// more time than the message has.
func TestCallEndsAtTheEarlierDeadline(t *testing.T) {
	for name, test := range map[string]struct{ message, want time.Duration }{
		"the message has no deadline":    {0, time.Minute},
		"the message has more time":      {time.Hour, time.Minute},
		"the message has less time left": {time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left time.Duration
				router := newRouter(t, route.Destination{Name: "crm", Timeout: time.Minute, Handler: events.HandlerFunc(func(ctx context.Context, _ *events.Event) error {
					deadline, _ := ctx.Deadline()
					left = time.Until(deadline)
					return nil
				})})
				ctx := t.Context()
				if test.message > 0 {
					limited, cancel := context.WithTimeout(ctx, test.message)
					defer cancel()
					ctx = limited
				}
				if err := router.HandleEvent(ctx, event(1)); err != nil {
					t.Fatal(err)
				}
				if left != test.want {
					t.Errorf("the handler has %s, want %s", left, test.want)
				}
			})
		})
	}
}
