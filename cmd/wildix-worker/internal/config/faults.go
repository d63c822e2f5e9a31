package config

import (
	"errors"
	"fmt"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/events"
)

// Faults collects what is wrong with the settings.
type Faults []string

// Add adds the error of a setting, unless it is nil.
func (f *Faults) Add(setting string, err error) {
	if err != nil {
		*f = append(*f, setting+": "+err.Error())
	}
}

// Fields returns what collects the faults of the settings behind the fields of a library's
// configuration. Invalid is the error of its Validate.
func (f *Faults) Fields(invalid error) FieldFaults {
	byName := make(map[string]error)
	if joined, ok := invalid.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			if field, ok := errors.AsType[*events.FieldError](err); ok {
				byName[field.Field] = field.Err
			}
		}
	}
	return FieldFaults{f, byName}
}

// FieldFaults collects faults of settings that become fields.
type FieldFaults struct {
	faults *Faults
	byName map[string]error // of the fields that are invalid
}

// Add adds the error of a setting: that of parsing it if there is one, otherwise that of
// its field.
func (f FieldFaults) Add(field, setting string, parseErr error) {
	if parseErr != nil {
		f.faults.Add(setting, parseErr)
		return
	}
	f.faults.Add(setting, f.byName[field])
}

// Err returns one usage error that lists all faults, or nil if there are none.
func (f Faults) Err() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return &exit.UsageError{Err: errors.New(f[0])}
	default:
		return &exit.UsageError{Err: fmt.Errorf("%d settings are wrong:\n  %s", len(f), strings.Join(f, "\n  "))}
	}
}
