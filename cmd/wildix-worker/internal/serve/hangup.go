package serve

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

// catchHangups has SIGHUP no longer end the program, until stop is called, but come from
// hangups. If the program's terminal is gone, such as with a connection by ssh, SIGHUP ends
// the context instead: nobody would know of a program that goes on.
func catchHangups(ctx context.Context) (_ context.Context, hangups <-chan os.Signal, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	terminals := slices.DeleteFunc([]*os.File{os.Stdin, os.Stdout, os.Stderr}, func(f *os.File) bool { return !term.IsTerminal(f) })
	caught, reload := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	var passing sync.WaitGroup
	passing.Go(func() {
		for s := range caught {
			if slices.ContainsFunc(terminals, func(f *os.File) bool { return !term.IsTerminal(f) }) {
				cancel()
				continue
			}
			select {
			case reload <- s:
			default: // one is waiting
			}
		}
	})
	return ctx, reload, func() {
		signal.Stop(caught)
		close(caught)
		passing.Wait()
		cancel()
	}
}
