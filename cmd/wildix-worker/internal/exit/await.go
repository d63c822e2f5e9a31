package exit

import "context"

// Interrupted is the exit code of a command that a signal ended before it had done anything.
const Interrupted Code = 130 //nolint:errname // as Code

// Await returns what read returns, or [Interrupted] if ctx ends before. It is for what takes no
// context, such as reading from a terminal, and is left to itself then: the program ends.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, Interrupted
	}
}
