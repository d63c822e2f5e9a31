package command

import (
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/events"
)

// maxHead is how much of the standard error of one run is logged, in bytes.
const maxHead = 4 << 10

// A head keeps the beginning of what is written to it, and counts the rest.
type head struct {
	text    []byte
	dropped int
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), maxHead-len(h.text))
	h.text = append(h.text, p[:n]...)
	h.dropped += len(p) - n
	return len(p), nil
}

// log writes what the program said, if anything, as a warning if it failed.
func (h *head) log(log *zap.Logger, e *events.Event, err error) {
	if len(h.text) == 0 {
		return
	}
	level := zapcore.InfoLevel
	if err != nil {
		level = zapcore.WarnLevel
	}
	fields := []zap.Field{
		zap.String("type", e.Type), zap.String("id", e.ID),
		zap.String("stderr", strings.ToValidUTF8(strings.TrimRight(string(h.text), "\n"), "\ufffd")),
	}
	if h.dropped > 0 {
		fields = append(fields, zap.Int("dropped", h.dropped))
	}
	log.Log(level, "program wrote to standard error", fields...)
}
