package check

import (
	"context"
	"errors"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// tryDestinations checks all destinations at once, since each may take as long as the timeout,
// and reports them in their order.
func tryDestinations(ctx context.Context, i *inspection, found func(name string, f finding)) {
	all, right := i.destinations.ToCheck()
	if !right {
		found("destinations", skipped("needs "+rightSettings.name))
		return
	}
	findings := make([]chan finding, len(all))
	for n, d := range all {
		findings[n] = make(chan finding, 1)
		go func() {
			findings[n] <- i.withTimeout(ctx, func(ctx context.Context, _ *inspection) finding { return try(ctx, d) })
		}()
	}
	for n, d := range all {
		f := <-findings[n]
		if ctx.Err() != nil {
			return
		}
		found(label(d), f)
	}
}

// label is how the report names a destination: with its type, unless that is its name.
func label(d destination.Destination) string {
	if d.Name == d.Kind {
		return d.Name
	}
	return d.Name + " (" + d.Kind + ")"
}

// try returns the finding of a destination.
func try(ctx context.Context, d destination.Destination) finding {
	if d.Close != nil {
		defer func() { _ = d.Close() }() // nothing was written
	}
	if d.Check == nil {
		return ok(d.Target)
	}
	err := d.Check(ctx)
	switch {
	case err == nil && d.Caution != "":
		return warning(d.Target, d.Caution)
	case err == nil:
		return ok(d.Target)
	}
	advice := term.Printable(err.Error())
	if _, unsure := errors.AsType[*destination.UnsureError](err); unsure {
		return warning(d.Target, advice)
	}
	return problem(d.Target, advice)
}
