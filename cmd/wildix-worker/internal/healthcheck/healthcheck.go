// Package healthcheck is the command healthcheck: it asks a worker on this machine
// whether it is healthy.
package healthcheck

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// Command is the command healthcheck.
type Command struct {
	config.File `embed:""`
	AdminAddr   config.AdminAddr `placeholder:"127.0.0.1:9464" env:"WILDIX_ADMIN_ADDR" help:"The admin address of the worker on this machine."`
	Ready       bool             `help:"Also check whether the queue answers."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `For container health checks. Exit code: 0 if the worker is healthy, 1 if not.

Of --config, only admin_addr is used. What is wrong with the rest of the file does not
matter to a worker that runs.`
}

// healthTimeout is shorter than the default timeout of container engines.
const healthTimeout = 5 * time.Second

// Run asks the worker on this machine.
func (cmd *Command) Run(ctx context.Context) error {
	faults := cmd.Faults()
	base, err := cmd.AdminAddr.URL()
	if err != nil {
		return cmp.Or(faults.Err(), error(&exit.UsageError{Err: err}))
	}
	paths := []string{"/healthz"}
	if cmd.Ready {
		paths = append(paths, "/readyz")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	for _, path := range paths {
		if err := ask(ctx, base+path); err != nil {
			if wrong := faults.Err(); wrong != nil { // perhaps of the address
				err = fmt.Errorf("%w\n%s", err, wrong.Error())
			}
			return err
		}
	}
	return nil
}

func ask(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req) // uses no proxy
	if err != nil {
		return fmt.Errorf("the worker does not answer: %w", term.RootCause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("not healthy: %s", strings.TrimSpace(string(reason)))
	}
	return nil
}
