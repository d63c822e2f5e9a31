package finish_test

import (
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
)

// The end of a call waits for some seconds only, unless the state is down. See events.Busy.
func TestEndThatWaitsForLateEventsIsBusy(t *testing.T) {
	for name, stateIsDown := range map[string]bool{"state is up": false, "state is down": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFirm(t)
				if stateIsDown {
					f.state.down()
				}
				f.deliverCalls(10)
				var d events.Delivery
				defer d.End()
				end := event("another", events.CallEnd, `{}`)
				_, err := events.Dispatch(events.WithDelivery(t.Context(), &d), f.handler, end)
				if !events.IsHold(err) || events.IsBusy(err) == stateIsDown {
					t.Errorf("%v: busy %t", err, events.IsBusy(err))
				}
				f.state.set(nil)
				time.Sleep(time.Minute)
			})
		})
	}
}
