// Package observe calls the Observe function of a transport's configuration, which may
// panic: the goroutine that handles the message goes on.
package observe

import (
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/internal/outage"
)

// calm is how long no call must have failed until a failure is logged again.
const calm = time.Minute

// Guard returns a function that calls f and does not panic when f does. The log has one
// line when calls begin to fail and one when they succeed again. If f is nil, the function
// does nothing.
func Guard[T any](f func(T), log *zap.Logger) func(T) {
	if f == nil {
		return func(T) {}
	}
	failures := outage.New(outage.Config{
		Logger:  log,
		Failing: "Observe failed",
		Level:   zapcore.ErrorLevel,
		Working: "Observe works again",
		Calm:    calm,
	})
	return func(v T) {
		defer func() {
			if r := recover(); r != nil {
				failures.Failed(fmt.Errorf("panicked: %v", r), zap.ByteString("stack", debug.Stack()))
			}
		}()
		f(v)
		failures.Succeeded()
	}
}
