package destination

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/events"
)

// An UnsureError is an error of a check that does not mean that events can't be passed on.
type UnsureError struct{ err error }

func (e *UnsureError) Error() string { return e.err.Error() }

func (e *UnsureError) Unwrap() error { return e.err }

// scriptEndings are those of files that programs run.
var scriptEndings = []string{".cjs", ".jar", ".js", ".lua", ".mjs", ".php", ".pl", ".ps1", ".py", ".rb", ".sh", ".ts"}

// CheckScripts returns the check of a program's arguments: it returns an [UnsureError] if one
// looks like a script that does not exist. Whether the program exists is found out when its
// handler is made.
func CheckScripts(args []string) func(context.Context) error {
	return func(context.Context) error { return checkScripts(args) }
}

func checkScripts(args []string) error {
	for _, arg := range args[1:] {
		if !slices.Contains(scriptEndings, strings.ToLower(filepath.Ext(arg))) || strings.ContainsAny(arg, " :") {
			continue
		}
		if _, err := os.Stat(arg); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		if filepath.IsAbs(arg) {
			return &UnsureError{fmt.Errorf("there is no file %s; correct the path, or put the file there", arg)}
		}
		folder, err := filepath.Abs(".")
		if err != nil {
			folder = "here"
		}
		return &UnsureError{fmt.Errorf("there is no file %s in %s; write its full path, since the worker may run in another folder", arg, folder)}
	}
	return nil
}

// A checker is a handler that can find out whether it reaches what it needs.
type checker interface {
	events.Handler
	Check(context.Context) error
}

// checkAWS returns what an answer of AWS to a check means.
func checkAWS(err error) error {
	_, answered := errors.AsType[smithy.APIError](err)
	switch {
	case err == nil:
		return nil
	case awsclient.Denied(err): // the worker needs only the right to send
		return &UnsureError{fmt.Errorf("it may not be looked at, so whether events can be sent there is not known: %w", err)}
	case !answered:
		return fmt.Errorf("%w; check the network, a VPC endpoint, HTTPS_PROXY and AWS_ENDPOINT_URL", err)
	default:
		return err
	}
}

// Host returns the host of a URL, with the port if it has one. The rest may be secret.
func Host(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
