package config

import (
	"errors"
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/events"
)

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	var faults Faults
	if err := faults.Err(); err != nil {
		t.Errorf("without a fault: %v", err)
	}
	faults.Add("--right", nil)
	faults.Add("--count", errors.New(`"0" is not a whole number from 1`))
	invalid := errors.Join(&events.FieldError{Field: "QueueURL", Err: errors.New("required")}, &events.FieldError{Field: "Other", Err: errors.New("unused")})
	fields := faults.Fields(invalid)
	fields.Add("QueueURL", "--queue-url", nil)
	fields.Add("Timeout", "--timeout", errors.New("not a duration"))
	fields.Add("Concurrency", "--concurrency", nil)
	err := faults.Err()
	if _, ok := errors.AsType[*exit.UsageError](err); !ok {
		t.Errorf("%T is not a usage error", err)
	}
	want := "3 settings are wrong:\n  --count: \"0\" is not a whole number from 1\n  --queue-url: required\n  --timeout: not a duration"
	if err.Error() != want {
		t.Errorf("got %s\nwant %s", err, want)
	}
}

// An unknown variable may be why another is missing.
func TestUnknownVariablesAreNamedWithFaults(t *testing.T) {
	f := File{unknown: []UnknownVariable{{"WILDIX_QUEUEURL", "WILDIX_QUEUE_URL"}, {"WILDIX_X", ""}}}
	faults := f.Faults()
	if err := faults.Err(); err != nil {
		t.Errorf("without a fault: %v", err)
	}
	faults.Add("--queue-url", errors.New("required"))
	want := "--queue-url: required\nwarning: unknown variable WILDIX_QUEUEURL; did you mean WILDIX_QUEUE_URL?\nwarning: unknown variable WILDIX_X"
	if err := faults.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestErrorOfParsingTakesPrecedence(t *testing.T) {
	var faults Faults
	invalid := errors.Join(&events.FieldError{Field: "Timeout", Err: errors.New("is negative")})
	faults.Fields(invalid).Add("Timeout", "--timeout", errors.New("has no unit"))
	if err := faults.Err(); err == nil || strings.Contains(err.Error(), "negative") || !strings.Contains(err.Error(), "has no unit") {
		t.Errorf("%v", err)
	}
}
