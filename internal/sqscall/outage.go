package sqscall

import (
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
)

// calmTime is how long a kind of call must not fail to count as working again.
const calmTime = 5 * time.Second

// NewOutage returns the log of calls of one operation, such as "receive".
func NewOutage(log *zap.Logger, operation string) *outage.Log {
	return outage.New(outage.Config{
		Logger:  log.With(zap.String("operation", operation)),
		Failing: "SQS call failing, will go on trying",
		Level:   zap.WarnLevel,
		Working: "SQS call working again",
		Calm:    calmTime,
		Reason:  ErrorCode,
	})
}
