// Package exit holds the errors that decide the exit code of the program.
package exit

import "fmt"

// A Code is an error that ends the program with that exit code and no message: the
// command has printed everything.
type Code int //nolint:errname // exit.CodeError would say error twice: it is no message

func (c Code) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// A UsageError is a mistake of the caller, found before anything was done. Its exit
// code is 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }
