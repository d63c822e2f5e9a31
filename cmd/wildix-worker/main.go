// Wildix-worker receives the signed call events of a Wildix PBX from an AWS SQS queue, or by
// HTTP, and passes them to handlers. Each subcommand is a package beneath internal.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/calls"
	"wildix-worker/cmd/wildix-worker/internal/check"
	"wildix-worker/cmd/wildix-worker/internal/completion"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/configcmd"
	"wildix-worker/cmd/wildix-worker/internal/demo"
	"wildix-worker/cmd/wildix-worker/internal/dlq"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/healthcheck"
	"wildix-worker/cmd/wildix-worker/internal/initprocess"
	"wildix-worker/cmd/wildix-worker/internal/manual"
	"wildix-worker/cmd/wildix-worker/internal/replay"
	"wildix-worker/cmd/wildix-worker/internal/routecmd"
	"wildix-worker/cmd/wildix-worker/internal/send"
	"wildix-worker/cmd/wildix-worker/internal/serve"
	"wildix-worker/cmd/wildix-worker/internal/store"
	"wildix-worker/cmd/wildix-worker/internal/template"
	"wildix-worker/cmd/wildix-worker/internal/verify"
	"wildix-worker/cmd/wildix-worker/internal/version"
)

// cli is the command line. Kong reads flags, environment and help from it.
type cli struct {
	Run     serve.Worker      `cmd:"" help:"Consume a queue until stopped."`
	Check   check.Command     `cmd:"" help:"Check settings, credentials, queue, permissions and destinations without consuming."`
	Config  configcmd.Command `cmd:"" help:"Check or show the configuration, or write its schema."`
	Webhook serve.Webhook     `cmd:"" help:"Receive events by HTTP until stopped, and handle them or put them on a queue."`

	Calls  calls.Command  `cmd:"" help:"List the calls that the store handler has written."`
	Replay replay.Command `cmd:"" help:"Send events that the store handler has written to a destination again."`
	Store  store.Command  `cmd:"" help:"Delete old rows of the store handler's database."`
	DLQ    dlq.Command    `cmd:"" name:"dlq" help:"List, export or redrive the messages of the dead-letter queue."`

	Template template.Command `cmd:"" help:"List, show or try the templates of what is sent to a service."`
	Route    routecmd.Command `cmd:"" help:"Show which destinations of the configuration get an event."`

	Demo        demo.Command        `cmd:"" help:"Show a worker with an embedded queue and made-up calls. Needs no AWS account."`
	Send        send.Command        `cmd:"" help:"Sign events and send them to a queue or a webhook."`
	Verify      verify.Command      `cmd:"" help:"Check the signature of one event."`
	Healthcheck healthcheck.Command `cmd:"" help:"Check whether the worker on this machine is healthy."`
	Version     version.Command     `cmd:"" help:"Print the version, as --version does."`
	Completion  completion.Command  `cmd:"" help:"Write the completion script of a shell."`
	Manual      manual.Command      `cmd:"" help:"Write the manual page."`
}

const description = "Receives the signed call events of a Wildix PBX from an AWS SQS queue, or by HTTP, and passes them to handlers."

// release is set by the linker when a release is built.
var release string

// Signals within this time of the first are one with it: timeout(1) and a shell signal a
// process and its group, so that the process gets two at once.
const oneSignal = time.Second

func main() {
	hideMemory()
	if code, isFirst := initprocess.Run(); isFirst {
		os.Exit(code)
	}
	os.Exit(program(os.Args[1:]))
}

// program runs a command and returns the exit code: 0 for success, 1 for a failure, 2 for
// a usage error, or the code that the command chose.
func program(args []string) int {
	// The first signal ends ctx, and stop restores the default, so that a later signal ends the
	// program.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(oneSignal, stop) })

	if slices.Equal(args, []string{"--version"}) { // no flag of cli, since the help of every command would show it
		args = []string{"version"}
	}
	config.UnsetEmpty()
	parse := func(options ...kong.Option) (*kong.Context, error) {
		parser := kong.Must(&cli{}, append(options, kong.Name("wildix-worker"), kong.Description(description),
			kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 100}),
			kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(buildinfo.Of(release)))...)
		return parser.Parse(args)
	}
	again := config.Reparse(func() (any, error) {
		command, err := parse()
		if err != nil {
			return nil, err
		}
		return command.Selected().Target.Addr().Interface(), nil
	})
	command, err := parse(kong.Bind(again))
	if err != nil {
		return report(&exit.UsageError{Err: err}, commandOf(err))
	}
	if err := command.Run(); err != nil {
		return report(err, command.Selected().Path())
	}
	return 0
}

// commandOf returns the subcommand of a command line that could not be parsed. It is empty if
// the error is before the subcommand.
func commandOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		return parse.Context.Selected().Path()
	}
	return ""
}

// report prints the error of a command, and returns the exit code.
func report(err error, command string) int {
	if code, ok := errors.AsType[exit.Code](err); ok {
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "wildix-worker: %v\n", err)
	if _, ok := errors.AsType[*exit.UsageError](err); !ok {
		return 1
	}
	if command != "" {
		command += " "
	}
	fmt.Fprintf(os.Stderr, "Try: wildix-worker %s--help\n", command)
	return 2
}
