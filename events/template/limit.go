package template

import (
	"context"
	"errors"
	"time"
)

// What a template may cost. Each bound is far above what a request or a mail needs, and low
// enough that reaching one takes well below a second.
const (
	maxSource = 64 << 10
	maxOutput = 1 << 20
	maxSteps  = 100_000
	maxBytes  = 32 << 20 // read and written by functions
	maxText   = 1 << 20  // of one function's result; an event is no larger

	sampleTimeout = 5 * time.Second // for all samples together
)

var (
	errOutput = errors.New("the output is larger than 1 MiB")
	errSteps  = errors.New("more than 100,000 steps")
	errBytes  = errors.New("functions have read and written more than 32 MiB")
	errText   = errors.New("a text is larger than 1 MiB")
)

// A run is one execution of a template.
type run struct {
	ctx    context.Context
	event  *view
	steps  int
	bytes  int
	output limitedText
}

// step is called before each action, at the start of each iteration, and by each function.
// Between two steps, a template does only what is written out in its source.
func (r *run) step() error { return r.take(1) }

func (r *run) take(steps int) error {
	r.steps += steps
	if r.steps > maxSteps {
		return errSteps
	}
	return r.ctx.Err()
}

// spend accounts for n bytes that a function reads or writes.
func (r *run) spend(n int) error {
	r.bytes += n
	if r.bytes > maxBytes {
		return errBytes
	}
	return r.step()
}

// result accounts for a text that a function returns.
func (r *run) result(text string) (string, error) {
	if len(text) > maxText {
		return "", errText
	}
	return text, r.spend(len(text))
}

// A limitedText is a writer that fails at maxOutput.
type limitedText struct{ text []byte }

func (w *limitedText) Write(p []byte) (int, error) {
	if len(w.text)+len(p) > maxOutput {
		return 0, errOutput
	}
	w.text = append(w.text, p...)
	return len(p), nil
}
