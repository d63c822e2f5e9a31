// Package exit holds the errors that decide the exit code of the program.
package exit

import "fmt"

// A Code is an error that ends the program with this exit code. It is not printed, because
// the command has printed everything.
type Code int //nolint:errname // exit.Code reads better than exit.CodeError

func (c Code) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// A UsageError is a wrong command line or setting, found before the command did anything. Its
// exit code is 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }
