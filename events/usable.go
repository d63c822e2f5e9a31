package events

import (
	"errors"
	"fmt"
	"reflect"
)

// usable returns err if its methods can be called, and otherwise an error that says what
// is wrong with it. Transports log, trace and unwrap a handler's error, and must not panic.
func usable(err error) (result error) {
	if isNilPointer(err) {
		return fmt.Errorf("handler returned a nil %T as its error, want a plain nil for success", err)
	}
	defer func() {
		if v := recover(); v != nil {
			result = fmt.Errorf("handler returned an error of type %T whose methods panic: %v", err, v)
		}
	}()
	_ = err.Error()
	// Calls all methods Is, As and Unwrap of the error and of those that it wraps.
	_ = errors.Is(err, errNone)
	if _, ok := errors.AsType[*noError](err); ok {
		return fmt.Errorf("handler returned an error of type %T whose method As is true of every type: %v", err, err) //nolint:errorlint // its As must not be called again
	}
	return err
}

// errNone and its type are in no error, so that a search for them visits all.
var errNone error = &noError{}

type noError struct{ _ byte } // not empty, so that its address is unique

func (*noError) Error() string { return "none" }

// isNilPointer reports whether v is a nil pointer or a nil function in an interface, which
// does not equal nil.
func isNilPointer(v any) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	default:
		return false
	}
}
