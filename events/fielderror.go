package events

// A FieldError describes what is wrong with one field of a transport's or a
// handler's Config.
type FieldError struct {
	Field string // such as "QueueURL"
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }
