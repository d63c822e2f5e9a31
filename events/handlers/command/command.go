// Package command is the handler that runs a program for each event.
//
// The program is started directly, without a shell. It gets the event's body, byte by
// byte as it was signed, on its standard input, and in its environment
//
//	WILDIX_EVENT_TYPE      such as call:end
//	WILDIX_EVENT_TIME      RFC 3339 in UTC, to the millisecond
//	WILDIX_CALL_ID         the event's id
//	WILDIX_COMPANY, WILDIX_PBX, WILDIX_INTEGRATION_ID
//	WILDIX_DELIVERY_KEY    the same for all deliveries of the event, for programs
//	                       that must not repeat themselves
//	WILDIX_RECEIVE_COUNT   how often SQS has delivered it; 0 by webhook
//
// and of this process's environment PATH, HOME, LANG, TZ, TMPDIR and what
// [Config].PassOn names. The program need not read its input.
//
// Exit code 0 is success. PermanentExit, if it is set, is [events.Permanent]; any other
// code, and a signal, is an error, and the event is delivered again. What the program
// writes to standard error goes to the log, the first 4 KiB of it; its standard output
// is discarded.
//
// When the context ends, the program's whole process group gets SIGTERM and, half a
// second later, SIGKILL; an exit code of 0 is success then, too. What the program leaves running when it ends by itself is left
// alone. When this process is killed, its programs run on, and the event is given to
// another one.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// grace is what a process group gets to end by itself. Tests with a slow machine
// give it longer.
var grace = 500 * time.Millisecond

// Config says what to run. Args is required.
type Config struct {
	// Args are the program, by path or by its name in PATH, and its arguments.
	Args []string
	// PermanentExit is the exit code of an event that is never to be tried again.
	// Zero means that there is none.
	PermanentExit int
	// PassOn names variables of this process's environment that the program gets
	// besides PATH, HOME, LANG, TZ and TMPDIR. It gets no others, since they may be
	// secrets.
	PassOn []string
	// Logger gets what the program writes to standard error. Nil discards it.
	Logger *zap.Logger
}

// A Handler runs a program for each event.
type Handler struct {
	cfg     Config
	path    string
	environ []string
}

// New returns a handler. The error says what is wrong with the configuration: a
// program that can't be found, for example.
func New(cfg Config) (*Handler, error) {
	var faults []error
	fault := func(field string, err error) { faults = append(faults, &events.FieldError{Field: field, Err: err}) }
	path, err := find(cfg.Args)
	if err != nil {
		fault("Args", err)
	}
	if cfg.PermanentExit < 0 || cfg.PermanentExit > 255 {
		fault("PermanentExit", fmt.Errorf("%d is not an exit code from 1 to 255", cfg.PermanentExit))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	return &Handler{cfg: cfg, path: path, environ: passedOn(cfg.PassOn)}, nil
}

func find(args []string) (path string, err error) {
	if len(args) == 0 || args[0] == "" {
		return "", errors.New("required: the program to run, and its arguments")
	}
	path, err = exec.LookPath(args[0])
	if err != nil {
		return "", fmt.Errorf("%q can't be run: %w", args[0], errors.Unwrap(err))
	}
	return path, nil
}

// passedOn is the part of this process's environment that the program gets.
func passedOn(names []string) []string {
	var environ []string
	for _, name := range slices.Concat([]string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"}, names) {
		if value, ok := os.LookupEnv(name); ok {
			environ = append(environ, name+"="+value)
		}
	}
	return environ
}

// HandleEvent runs the program.
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	cmd := exec.CommandContext(ctx, h.path)
	cmd.Args = h.cfg.Args
	cmd.Env = slices.Concat(h.environ, environ(e))
	cmd.Stdin = bytes.NewReader(e.Raw)
	var said head
	cmd.Stderr = &said
	lead(cmd)
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.WaitDelay = grace // for the group to end, and for whoever has its standard error

	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		kill(cmd.Process)
	}
	if cmd.ProcessState != nil && cmd.ProcessState.Success() {
		err = nil // also when it was asked to end, and did so when it was done
	}
	err = h.verdict(err)
	said.log(h.cfg.Logger, e, err)
	return err
}

// verdict is what the end of a run means.
func (h *Handler) verdict(err error) error {
	exit, isExit := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil
	case isExit && h.cfg.PermanentExit != 0 && exit.ExitCode() == h.cfg.PermanentExit:
		return events.Permanent(fmt.Errorf("program %s: %w", h.cfg.Args[0], err))
	default:
		return fmt.Errorf("program %s: %w", h.cfg.Args[0], err)
	}
}

// environ is what the program is told of the event. A variable can't hold a NUL.
func environ(e *events.Event) []string {
	environ := []string{
		"WILDIX_EVENT_TYPE=" + e.Type,
		"WILDIX_EVENT_TIME=" + e.Time.Format("2006-01-02T15:04:05.000Z"),
		"WILDIX_CALL_ID=" + e.ID,
		"WILDIX_COMPANY=" + e.Company,
		"WILDIX_PBX=" + e.PBX,
		"WILDIX_INTEGRATION_ID=" + e.IntegrationID,
		"WILDIX_DELIVERY_KEY=" + e.DeliveryKey(),
		"WILDIX_RECEIVE_COUNT=" + strconv.Itoa(e.ReceiveCount),
	}
	for i, variable := range environ {
		environ[i] = strings.ReplaceAll(variable, "\x00", "\ufffd")
	}
	return environ
}
