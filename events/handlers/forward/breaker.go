package forward

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"wildix-worker/events"
)

const (
	// breakerFailures is how many failures in a row open the breaker.
	breakerFailures = 5
	// openTime is how long the breaker is open before one event is tried. It is shorter
	// than the pause of package consumer's breaker between two tries of its probe, so
	// that each try reaches the endpoint: two breakers that wait for each other would
	// delay the recovery.
	openTime = time.Second
)

// ErrEndpointDown is the error of an event that was not sent because the events before it
// failed.
var ErrEndpointDown = errors.New("endpoint down, sending only one event a second")

// newBreaker returns the circuit breaker of the endpoint.
func newBreaker(log *zap.Logger, host string) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     openTime,
		ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerFailures },
		// An endpoint that refuses an event is up.
		IsSuccessful: func(err error) bool { return err == nil || events.IsPermanent(err) },
		// A stop or a lost lease says nothing about the endpoint.
		IsExcluded: func(err error) bool { return errors.Is(err, errCancelled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case from == gobreaker.StateClosed:
				log.Warn("forward endpoint down, trying one event a second", zap.String("host", host))
			case to == gobreaker.StateClosed:
				log.Info("forward endpoint up again", zap.String("host", host))
			}
		},
	})
}
