package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthcheckCmd struct {
	AdminAddr adminAddr `placeholder:"127.0.0.1:9464" env:"WILDIX_ADMIN_ADDR" help:"The admin address of the worker on this machine."`
	Ready     bool      `help:"Ask whether the queue has answered lately, too."`
}

// Help is what --help shows below the summary.
func (*healthcheckCmd) Help() string {
	return `For container health checks. Exit code: 0 if the worker is well, 1 if not.`
}

// healthTimeout is less than what container engines wait.
const healthTimeout = 5 * time.Second

// Run asks the worker on this machine how it is.
func (cmd *healthcheckCmd) Run(ctx context.Context) error {
	addr, err := cmd.addr()
	if err != nil {
		return err
	}
	paths := []string{"/healthz"}
	if cmd.Ready {
		paths = append(paths, "/readyz")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	for _, path := range paths {
		if err := askHealth(ctx, "http://"+addr+path); err != nil {
			return err
		}
	}
	return nil
}

// addr is where the worker listens, as this machine reaches it.
func (cmd *healthcheckCmd) addr() (string, error) {
	addr := cmd.AdminAddr.addr
	if !cmd.AdminAddr.chosen {
		addr = defaultAdminAddr
	}
	if addr == "" {
		return "", &usageError{errors.New("--admin-addr (WILDIX_ADMIN_ADDR) is empty: the worker has no address to ask")}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", &usageError{fmt.Errorf("--admin-addr (WILDIX_ADMIN_ADDR): %q is not HOST:PORT or :PORT", addr)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

func askHealth(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req) // without a proxy
	if err != nil {
		return fmt.Errorf("the worker does not answer: %w", rootCause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("not well: %s", strings.TrimSpace(string(reason)))
	}
	return nil
}
