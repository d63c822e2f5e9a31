package config

import (
	"context"
	"fmt"
	"io"
	"os"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/events"
)

// ReadInput reads the file that an argument names, or standard input for "-". If ctx ends while
// it waits for a terminal or a pipe, its error is exit.Interrupted.
func ReadInput(ctx context.Context, name string) ([]byte, error) {
	return exit.Await(ctx, func() ([]byte, error) { return readInput(name) })
}

func readInput(name string) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, 2*events.MaxSize))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(content) == 2*events.MaxSize {
		return nil, fmt.Errorf("%s is larger than any message", name)
	}
	return content, nil
}
