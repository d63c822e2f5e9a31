package consumer

import (
	"errors"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/events"
)

// logResult writes what an operator wants to know of a message: at debug level
// when all went well, as a warning when it did not.
func logResult(log *zap.Logger, r Result, delay time.Duration) {
	level := zapcore.WarnLevel
	if r.Outcome.Done() {
		level = zapcore.DebugLevel
	}
	entry := log.Check(level, "message "+r.Outcome.String())
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("messageId", r.MessageID),
		zap.Int("receiveCount", r.ReceiveCount),
		zap.Duration("took", r.Took),
	}
	if e := r.Event; e != nil {
		fields = append(fields, zap.String("type", e.Type), zap.String("id", e.ID), zap.String("integrationId", e.IntegrationID))
	}
	if r.Err != nil {
		fields = append(fields, zap.Error(r.Err))
	}
	if delay > 0 {
		fields = append(fields, zap.Duration("retryIn", delay))
	}
	var panicked *events.PanicError
	if errors.As(r.Err, &panicked) {
		fields = append(fields, zap.ByteString("stack", panicked.Stack))
	}
	entry.Write(fields...)
}
