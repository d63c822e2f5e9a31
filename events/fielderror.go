package events

// A FieldError says what is wrong with one field of a Config, of a transport's
// or of a handler's.
type FieldError struct {
	Field string // such as "QueueURL"
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }
