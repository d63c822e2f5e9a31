package template

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

func faultAt(line, column int, format string, args ...any) error {
	return fmt.Errorf("line %d, column %d: %w", line, column, fmt.Errorf(format, args...))
}

// executionError matches an error of text/template.Execute, whose columns are from 0.
var executionError = regexp.MustCompile(`(?s)^template: [^:]*:(\d+):(\d+): executing ".*?" at <.*?>: `)

// valueInError matches errors that quote a value.
var valueInError = regexp.MustCompile(`(?s)(can't iterate over|can't use) .*`)

// A positionedError is an error of text/template that begins with its position.
type positionedError struct {
	text string
	err  error
}

func (e *positionedError) Error() string { return e.text }

func (e *positionedError) Unwrap() error { return e.err }

// positioned returns an error of text/template that begins with its line and, if that is
// known, its column.
func positioned(err error) error {
	text := err.Error()
	if at := executionError.FindStringSubmatch(text); at != nil {
		column, _ := strconv.Atoi(at[2]) // digits
		text = valueInError.ReplaceAllString(text[len(at[0]):], "$1 this value")
		text = strings.TrimPrefix(strings.TrimPrefix(text, "error calling "), stepName+": ")
		return &positionedError{fmt.Sprintf("line %s, column %d: %s", at[1], column+1, text), err}
	}
	text = strings.TrimPrefix(text, "template: ")
	text = strings.Replace(text, rootName+":", "line ", 1)
	return errors.New(text)
}
