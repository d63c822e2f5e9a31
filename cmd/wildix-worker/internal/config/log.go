package config

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

// Log holds the settings of the program's own log, which goes to standard error.
type Log struct {
	LogLevel  string `default:"info" env:"WILDIX_LOG_LEVEL" help:"debug, info, warn or error." values:"debug,info,warn,error"`
	LogFormat string `placeholder:"FORMAT" env:"WILDIX_LOG_FORMAT" help:"json or console. Default: json, console on a terminal." values:"json,console"`
}

// Logger returns the logger that the settings describe, and adds what is wrong with them.
func (s Log) Logger(faults *Faults) *zap.Logger {
	level, err := zapcore.ParseLevel(s.LogLevel)
	if err != nil || level > zapcore.ErrorLevel {
		faults.Add("--log-level (WILDIX_LOG_LEVEL)", fmt.Errorf("%q is not one of debug, info, warn, error", s.LogLevel))
	}
	var encoder zapcore.Encoder
	out := zapcore.WriteSyncer(os.Stderr)
	if term.IsTerminal(os.Stderr) {
		out = zapcore.AddSync(term.Writer{Out: os.Stderr})
	}
	switch s.LogFormat {
	case "json":
		encoder = jsonEncoder()
	case "console":
		encoder = consoleEncoder()
	case "":
		encoder = jsonEncoder()
		if term.IsTerminal(os.Stderr) {
			encoder = consoleEncoder()
		}
	default:
		faults.Add("--log-format (WILDIX_LOG_FORMAT)", fmt.Errorf("%q is not json or console", s.LogFormat))
		return nil
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(out), level)
	return zap.New(sampled(core, level))
}

// sampled logs the first hundred entries with the same message in each second, and then
// every hundredth, so that a flood of forged messages can't fill a disk. Level debug logs all.
func sampled(core zapcore.Core, level zapcore.Level) zapcore.Core {
	const first, thereafter = 100, 100
	if level == zapcore.DebugLevel {
		return core
	}
	return zapcore.NewSamplerWithOptions(core, time.Second, first, thereafter)
}

func jsonEncoder() zapcore.Encoder {
	cfg := zap.NewProductionEncoderConfig()
	cfg.TimeKey, cfg.MessageKey = "time", "message"
	cfg.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	return zapcore.NewJSONEncoder(cfg)
}

func consoleEncoder() zapcore.Encoder {
	cfg := zap.NewDevelopmentEncoderConfig()
	cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	return zapcore.NewConsoleEncoder(cfg)
}

// LogReread logs that a file was read again, or why its new content can't be used. file is
// its name in the log, such as "secrets file".
func LogReread(log *zap.Logger, file string, err error) {
	if err != nil {
		log.Error(file+" not usable, keeping what was read before", zap.Error(err))
		return
	}
	log.Info(file + " read again")
}
