package command

import (
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/events"
)

// maxLogged is how many bytes of the standard error of one run are logged.
const maxLogged = 4 << 10

// A stderrHead keeps the first maxLogged bytes that are written to it, and counts the
// rest.
type stderrHead struct {
	text    []byte
	dropped int
}

func (h *stderrHead) Write(p []byte) (int, error) {
	n := min(len(p), maxLogged-len(h.text))
	h.text = append(h.text, p[:n]...)
	h.dropped += len(p) - n
	return len(p), nil
}

// log logs the text, if there is any, as a warning if the program failed.
func (h *stderrHead) log(log *zap.Logger, e *events.Event, err error) {
	if len(h.text) == 0 {
		return
	}
	level := zapcore.InfoLevel
	if err != nil {
		level = zapcore.WarnLevel
	}
	fields := []zap.Field{
		zap.String("type", events.Brief(e.Type)), zap.String("id", events.Brief(e.ID)),
		zap.String("stderr", strings.ToValidUTF8(strings.TrimRight(string(h.text), "\n"), "\ufffd")),
	}
	if h.dropped > 0 {
		fields = append(fields, zap.Int("dropped", h.dropped))
	}
	log.Log(level, "program wrote to standard error", fields...)
}
