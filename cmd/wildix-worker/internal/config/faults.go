package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/events"
)

// Faults collects what is wrong with the settings.
type Faults struct {
	lines   []string
	file    *File             // that some settings are from, or nil
	unknown []UnknownVariable // one of which may be the reason
}

// Add adds the error of a setting, unless it is nil.
func (f *Faults) Add(setting string, err error) {
	if err != nil {
		f.AddText(setting + ": " + err.Error())
	}
}

// AddText adds a fault. If it begins with the name of a setting that the file has, it is
// reported with its line instead.
func (f *Faults) AddText(text string) {
	if f.file == nil || !f.file.locate(text) {
		f.lines = append(f.lines, text)
	}
}

// Len returns the number of faults.
func (f *Faults) Len() int { return len(f.all()) }

// all returns the faults, those of the file first.
func (f *Faults) all() []string {
	if f.file == nil {
		return f.lines
	}
	return slices.Concat(f.file.file.Faults.Lines(), f.lines)
}

// Fields returns a collector of faults for settings that become fields of a library's
// configuration. invalid is the error of the configuration's Validate.
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

// FieldFaults collects the faults of settings that become fields of a configuration.
type FieldFaults struct {
	faults *Faults
	byName map[string]error // the errors of invalid fields
}

// Add adds the error of a setting: parseErr or, if that is nil, the error of its field.
func (f FieldFaults) Add(field, setting string, parseErr error) {
	if parseErr != nil {
		f.faults.Add(setting, parseErr)
		return
	}
	f.faults.Add(setting, f.byName[field])
}

// Err returns one usage error that lists all faults, or nil if there are none. It also names
// the unknown variables. It wraps a [WrongSettings].
func (f *Faults) Err() error {
	all := f.all()
	if len(all) == 0 {
		return nil
	}
	wrong := WrongSettings{Faults: all}
	for _, v := range f.unknown {
		wrong.warnings = append(wrong.warnings, v.String())
	}
	return &exit.UsageError{Err: wrong}
}

// WrongSettings is an error with a line for each fault.
type WrongSettings struct { //nolint:errname // as exit.UsageError
	Faults   []string
	warnings []string
}

func (w WrongSettings) Error() string {
	text := w.Faults[0]
	if len(w.Faults) > 1 {
		text = fmt.Sprintf("%d settings are wrong:\n  %s", len(w.Faults), strings.Join(w.Faults, "\n  "))
	}
	for _, warning := range w.warnings {
		text += "\nwarning: " + warning
	}
	return text
}
