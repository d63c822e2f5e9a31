package forward

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"wildix-worker/events"
)

const (
	// breakerFailures in a row open the breaker.
	breakerFailures = 5
	// openTime is how long nothing is sent then, before one event is tried. It is
	// shorter than the pauses between the tries of package consumer's probe, so
	// that each of these reaches the endpoint: two breakers that wait for each
	// other would hold up the recovery.
	openTime = time.Second
)

// ErrEndpointDown is what an event fails with that was not sent because those
// before it failed.
var ErrEndpointDown = errors.New("endpoint down, nothing is sent but for one event a second")

// newBreaker returns the breaker that stops the hammering of a dead endpoint.
func newBreaker(log *zap.Logger, host string) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     openTime,
		ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerFailures },
		// Who refuses an event is alive.
		IsSuccessful: func(err error) bool { return err == nil || events.IsPermanent(err) },
		// A stop or a lost lease says nothing about the endpoint.
		IsExcluded: func(err error) bool { return errors.Is(err, errCalledOff) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case from == gobreaker.StateClosed:
				log.Warn("forward endpoint down, trying one event a second", zap.String("host", host))
			case to == gobreaker.StateClosed:
				log.Info("forward endpoint back", zap.String("host", host))
			}
		},
	})
}
