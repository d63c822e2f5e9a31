// Wildix-worker takes the signed call events of a Wildix PBX from an AWS SQS
// queue, or by HTTP, and hands them to handlers. Its subcommands are in one file each.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line: kong reads the flags, the environment and the help
// from it.
type cli struct {
	Run     runCmd     `cmd:"" help:"Consume a queue until stopped."`
	Check   checkCmd   `cmd:"" help:"Look before you run: settings, credentials, queue, permissions."`
	Webhook webhookCmd `cmd:"" help:"Take events by HTTP until stopped, and handle them or put them on a queue."`

	Calls callsCmd `cmd:"" help:"List the calls that the store handler has written."`
	DLQ   dlqCmd   `cmd:"" name:"dlq" help:"See what is in the dead-letter queue, take it along, send it back."`

	Demo        demoCmd        `cmd:"" help:"See it work, with an embedded queue and made-up calls. Needs no AWS account."`
	Send        sendCmd        `cmd:"" help:"Sign events and send them to a queue or a webhook."`
	Verify      verifyCmd      `cmd:"" help:"Check the signature of one event."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask the worker on this machine whether it is well."`
	Version     versionCmd     `cmd:"" help:"Show the version."`
	Completion  completionCmd  `cmd:"" help:"Write the completion script of a shell."`
	Manual      manualCmd      `cmd:"" help:"Write the manual page."`
}

const description = "Takes the signed call events of a Wildix PBX from an AWS SQS queue, or by HTTP, and hands them to handlers."

func main() { os.Exit(program(os.Args[1:])) }

// program returns the exit code: 0 when all went well, 1 when something did
// not, 2 when it was called wrongly, or what a command chose.
func program(args []string) int {
	// The first signal ends ctx; a second one ends the program, since by then
	// nobody listens for it any more.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	unsetEmpty()
	parser := kong.Must(&cli{}, kong.Name("wildix-worker"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command, err := parser.Parse(args)
	if err != nil {
		return complain(&usageError{err}, commandOf(err))
	}
	if err := command.Run(); err != nil {
		return complain(err, command.Selected().Path())
	}
	return 0
}

// unsetEmpty makes an empty variable as none, as compose files leave many. An
// empty secret stays, since it is more likely an accident, and an empty admin address
// is none.
func unsetEmpty() {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		ours := strings.HasPrefix(name, "WILDIX_") || name == "SQS_URL"
		if ours && value == "" && name != secretVariable && name != adminAddrVariable {
			os.Unsetenv(name)
		}
	}
}

// commandOf returns the subcommand that a command line got as far as.
func commandOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		return parse.Context.Selected().Path()
	}
	return ""
}

// complain tells a person what went wrong, and returns the exit code.
func complain(err error, command string) int {
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "wildix-worker: %v\n", err)
	var usage *usageError
	if !errors.As(err, &usage) {
		return 1
	}
	if command != "" {
		command += " "
	}
	fmt.Fprintf(os.Stderr, "Try: wildix-worker %s--help\n", command)
	return 2
}

// An exitCode ends the program without a word more: the command has said it all.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// A usageError is the caller's mistake, found before anything was done.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }
