package outage_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/internal/outage"
)

var (
	errTimeout = errors.New("timeout")
	errRefused = errors.New("refused")
)

// inOutage runs test in a bubble with a Log and a function that returns the
// lines since its last call.
func inOutage(t *testing.T, cfg outage.Config, test func(l *outage.Log, lines func() []string)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		cfg.Logger = zap.New(core)
		cfg.Failing = "call failing"
		cfg.Level = zap.WarnLevel
		test(outage.New(cfg), func() (lines []string) {
			for _, entry := range logs.TakeAll() {
				encoder := zapcore.NewMapObjectEncoder()
				for _, field := range entry.Context {
					field.AddTo(encoder)
				}
				lines = append(lines, fmt.Sprint(entry.Level, " ", entry.Message, " ", encoder.Fields))
			}
			return lines
		})
	})
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}

func TestOneLineWhenCallsStartToFailAndOneWhenTheySucceedAgain(t *testing.T) {
	inOutage(t, outage.Config{Working: "call working"}, func(l *outage.Log, lines func() []string) {
		if l.Succeeded() {
			t.Error("a success without a failure ends an outage")
		}
		expect(t, lines())
		for n := range 3 {
			if failures := l.Failed(errTimeout, zap.Int("lost", 7)); failures != n+1 {
				t.Errorf("failures in a row are %d, want %d", failures, n+1)
			}
			time.Sleep(time.Hour)
		}
		expect(t, lines(), "warn call failing map[error:timeout lost:7]")
		if !l.Succeeded(zap.Int("lost", 21)) {
			t.Error("a success ends no outage")
		}
		if l.Succeeded() {
			t.Error("a second success ends the outage again")
		}
		expect(t, lines(), "info call working map[after:2h0m0s lost:21]")
		if failures := l.Failed(errTimeout); failures != 1 {
			t.Errorf("failures in a row are %d after a success, want 1", failures)
		}
		expect(t, lines(), "warn call failing map[error:timeout]")
	})
}

func TestSuccessBetweenFailuresDoesNotEndTheOutage(t *testing.T) {
	inOutage(t, outage.Config{Working: "call working", Calm: 5 * time.Second}, func(l *outage.Log, lines func() []string) {
		for range 10 {
			if failures := l.Failed(errTimeout); failures != 1 {
				t.Errorf("failures in a row are %d after a success, want 1", failures)
			}
			time.Sleep(5*time.Second - 1)
			if l.Succeeded() {
				t.Error("a success before the calm time ends the outage")
			}
			time.Sleep(1)
		}
		expect(t, lines(), "warn call failing map[error:timeout]")
		if !l.Succeeded() {
			t.Error("a success after the calm time does not end the outage")
		}
		expect(t, lines(), "info call working map[after:45s]")
	})
}

func TestAnotherReasonIsLoggedAtMostOnceAMinute(t *testing.T) {
	inOutage(t, outage.Config{Reason: error.Error}, func(l *outage.Log, lines func() []string) {
		l.Failed(errTimeout)
		expect(t, lines(), "warn call failing map[code:timeout error:timeout]")
		time.Sleep(time.Minute - 1)
		l.Failed(errRefused)
		expect(t, lines())
		time.Sleep(1)
		l.Failed(errTimeout)
		expect(t, lines())
		l.Failed(errRefused)
		expect(t, lines(), "warn call failing map[code:refused error:refused]")
		time.Sleep(time.Hour)
		l.Failed(errRefused)
		expect(t, lines())
		if !l.Succeeded() {
			t.Error("a success ends no outage")
		}
		expect(t, lines()) // no message is set for it
		l.Failed(errRefused)
		expect(t, lines(), "warn call failing map[code:refused error:refused]")
	})
}

func TestWithoutReasonsOnlyTheFirstFailureIsLogged(t *testing.T) {
	inOutage(t, outage.Config{}, func(l *outage.Log, lines func() []string) {
		l.Failed(errTimeout)
		time.Sleep(time.Hour)
		l.Failed(errRefused)
		expect(t, lines(), "warn call failing map[error:timeout]")
	})
}

func TestFailuresFromManyGoroutines(t *testing.T) {
	inOutage(t, outage.Config{}, func(l *outage.Log, lines func() []string) {
		for range 100 {
			go l.Failed(errTimeout)
		}
		synctest.Wait()
		if failures := l.Failed(errTimeout); failures != 101 {
			t.Errorf("failures in a row are %d, want 101", failures)
		}
		expect(t, lines(), "warn call failing map[error:timeout]")
	})
}
