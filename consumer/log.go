package consumer

import (
	"errors"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/events"
)

// Log writes what an operator wants to know of a message, with more fields if
// there are any: at debug level when all went well, as a warning when it did not.
// The transports do it; so may a transport of your own.
func (r Result) Log(log *zap.Logger, more ...zap.Field) {
	level := zapcore.WarnLevel
	if r.Outcome.Done() {
		level = zapcore.DebugLevel
	}
	entry := log.Check(level, "message "+r.Outcome.String())
	if entry == nil {
		return
	}
	var fields []zap.Field
	if r.MessageID != "" {
		fields = append(fields, zap.String("messageId", r.MessageID), zap.Int("receiveCount", r.ReceiveCount))
	}
	fields = append(fields, zap.Duration("took", r.Took))
	if e := r.Event; e != nil {
		fields = append(fields, zap.String("type", e.Type), zap.String("id", e.ID), zap.String("integrationId", e.IntegrationID))
	}
	if r.Err != nil {
		fields = append(fields, zap.Error(r.Err))
	}
	var panicked *events.PanicError
	if errors.As(r.Err, &panicked) {
		fields = append(fields, zap.ByteString("stack", panicked.Stack))
	}
	entry.Write(append(fields, more...)...)
}
