package main

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

// logSettings say how the program's own log looks. It goes to standard error.
type logSettings struct {
	LogLevel  string `default:"info" env:"WILDIX_LOG_LEVEL" help:"debug, info, warn or error." values:"debug,info,warn,error"`
	LogFormat string `placeholder:"FORMAT" env:"WILDIX_LOG_FORMAT" help:"json or console. Default: json, console on a terminal." values:"json,console"`
}

// logger returns the logger that the settings describe.
func (s logSettings) logger(wrong *faults) *zap.Logger {
	level, err := zapcore.ParseLevel(s.LogLevel)
	if err != nil || level > zapcore.ErrorLevel {
		wrong.add("--log-level (WILDIX_LOG_LEVEL)", fmt.Errorf("%q is not one of debug, info, warn, error", s.LogLevel))
	}
	var encoder zapcore.Encoder
	switch s.LogFormat {
	case "json":
		encoder = jsonEncoder()
	case "console":
		encoder = consoleEncoder()
	case "":
		encoder = jsonEncoder()
		if isTerminal(os.Stderr) {
			encoder = consoleEncoder()
		}
	default:
		wrong.add("--log-format (WILDIX_LOG_FORMAT)", fmt.Errorf("%q is not json or console", s.LogFormat))
		return nil
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), level)
	return zap.New(sampled(core, level))
}

// sampled lets a flood of the same message through in part, so that forged
// messages can't fill a disk: the first hundred of a second, then every
// hundredth. Debugging shows all.
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

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
