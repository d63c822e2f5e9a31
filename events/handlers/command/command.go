// Package command runs a program for each event.
//
// The program is started directly, without a shell. Its standard input is the event's
// body, byte for byte as it was signed. Its environment has
//
//	WILDIX_EVENT_TYPE      such as call:end
//	WILDIX_EVENT_TIME      RFC 3339 in UTC, to the millisecond
//	WILDIX_CALL_ID         the event's id
//	WILDIX_COMPANY, WILDIX_PBX, WILDIX_INTEGRATION_ID
//	WILDIX_DELIVERY_KEY    the same in every delivery of the event, for programs
//	                       that must not act twice
//	WILDIX_RECEIVE_COUNT   how often SQS has delivered it; 0 with package webhook
//	WILDIX_REPLAY          true if the event is sent again on purpose, else not set
//
// and, from this process's environment, PATH, HOME, LANG, TZ, TMPDIR and the variables
// that [Config].PassOn names. The program need not read its input.
//
// Exit code 0 is success. The exit code [Config].PermanentExit is an [events.Permanent]
// error. Any other exit code, or an end by a signal, is an error, and the event is delivered
// again. So it is if the program can't be started, such as while an update replaces it. The
// first 4 KiB of standard error are logged; standard output is discarded.
//
// When the context ends, the program's process group gets SIGTERM and, half a second
// later, SIGKILL; exit code 0 is success even then. Processes that the program leaves
// behind when it exits by itself keep running. If this process is killed, its programs
// keep running, and the event is delivered again.
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

// grace is the time between SIGTERM and SIGKILL. Tests make it longer for slow
// machines.
var grace = 500 * time.Millisecond

// Config is the configuration of a Handler. Args is required.
type Config struct {
	// Args are the program, as a path or as a name to find in PATH, and its arguments.
	Args []string
	// PermanentExit is the exit code of a permanent failure, after which the
	// event is not retried: 1 to 255. Zero means that no code does.
	PermanentExit int
	// PassOn names variables of this process's environment that the program gets
	// besides PATH, HOME, LANG, TZ and TMPDIR. It gets no others, since they may be
	// secrets.
	PassOn []string
	// Logger logs the program's standard error. Nil discards it.
	Logger *zap.Logger
}

// A Handler runs a program for each event.
type Handler struct {
	cfg     Config
	path    string
	environ []string
}

// New returns a handler, or an error that joins an *[events.FieldError] for each invalid
// field. Args is invalid if the program is not found.
func New(cfg Config) (*Handler, error) {
	var faults []error
	fault := func(field string, err error) { faults = append(faults, &events.FieldError{Field: field, Err: err}) }
	path, err := findProgram(cfg.Args)
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
	return &Handler{cfg: cfg, path: path, environ: inherited(cfg.PassOn)}, nil
}

func findProgram(args []string) (path string, err error) {
	if len(args) == 0 || args[0] == "" {
		return "", errors.New("required: the program to run, and its arguments")
	}
	path, err = exec.LookPath(args[0])
	if err != nil {
		return "", fmt.Errorf("%q can't be run: %w", args[0], errors.Unwrap(err))
	}
	return path, nil
}

// inherited returns the part of this process's environment that the program gets.
func inherited(names []string) []string {
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
	variables, err := eventVariables(e)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, h.path)
	cmd.Args = h.cfg.Args
	cmd.Env = slices.Concat(h.environ, variables)
	cmd.Stdin = bytes.NewReader(e.Raw)
	var stderr stderrHead
	cmd.Stderr = &stderr
	setGroup(cmd)
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.WaitDelay = grace // also for processes that keep its standard error open

	err = cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		kill(cmd.Process)
	}
	if cmd.ProcessState != nil && cmd.ProcessState.Success() {
		err = nil // also if it finished after SIGTERM
	}
	err = h.handlingError(err)
	stderr.log(h.cfg.Logger, e, err)
	return err
}

// handlingError returns the error of HandleEvent for the result of a run.
func (h *Handler) handlingError(err error) error {
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

// maxVariable is how long an environment variable may be, with its name. Linux starts no
// program with one of 128 KiB (MAX_ARG_STRLEN), and other systems with less than 1 MiB of all.
const maxVariable = 64 << 10

// eventVariables returns the event's environment variables. They can't contain NUL. The error
// for one that is too long is permanent, since it is as long at the next try.
func eventVariables(e *events.Event) ([]string, error) {
	variables := []string{
		"WILDIX_EVENT_TYPE=" + e.Type,
		"WILDIX_EVENT_TIME=" + e.Time.Format("2006-01-02T15:04:05.000Z"),
		"WILDIX_CALL_ID=" + e.ID,
		"WILDIX_COMPANY=" + e.Company,
		"WILDIX_PBX=" + e.PBX,
		"WILDIX_INTEGRATION_ID=" + e.IntegrationID,
		"WILDIX_DELIVERY_KEY=" + e.DeliveryKey(),
		"WILDIX_RECEIVE_COUNT=" + strconv.Itoa(e.ReceiveCount),
	}
	if e.Replay {
		variables = append(variables, "WILDIX_REPLAY=true")
	}
	for i, variable := range variables {
		variables[i] = strings.ReplaceAll(variable, "\x00", "\ufffd")
		if len(variables[i]) > maxVariable {
			name, _, _ := strings.Cut(variable, "=")
			return nil, events.Permanent(fmt.Errorf("%s would have %d bytes, and a program gets at most %d in a variable", name, len(variables[i]), maxVariable))
		}
	}
	return variables, nil
}
