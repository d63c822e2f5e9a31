// Package verify is the command verify: it checks the signature of one event.
package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// Command is the command verify.
type Command struct {
	Body          string `arg:"" optional:"" default:"-" help:"File with the body, exactly as received; - is standard input."`
	Signature     string `placeholder:"HEX" xor:"signature" help:"The signature: the attribute X-SIGNATURE or the header x-signature."`
	SignatureFile string `placeholder:"FILE" xor:"signature" help:"File with the signature."`
	config.File   `embed:""`
	config.Keys   `embed:""`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Prints "valid", or why the event is invalid. Exit code: 0 if valid, 1 if not, 2 if it
could not be checked.`
}

var errInvalid = errors.New("invalid")

// Run checks the signature of a body.
func (cmd *Command) Run(ctx context.Context) error {
	faults := cmd.Faults()
	keys, err := cmd.Load(&cmd.File, nil)
	if err != nil {
		faults.AddText(err.Error())
	}
	if err := faults.Err(); err != nil {
		return err
	}
	body, err := config.ReadInput(ctx, cmd.Body)
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	sig, err := cmd.signature(ctx)
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	e, outcome, err := events.DecodeSigned(keys, body, sig)
	if err != nil {
		return fmt.Errorf("%w: %s: %w%s", errInvalid, outcome, err, newlineHint(keys, body, sig))
	}
	_, err = fmt.Printf("valid: %s of %s, id %s, integration %s\n", term.Printable(e.Type), e.Time.Format("2006-01-02 15:04:05.000 MST"), term.Printable(e.ID), term.Printable(e.IntegrationID))
	return err
}

// signature returns the signature, without the newline at the end of a file.
func (cmd *Command) signature(ctx context.Context) (string, error) {
	switch {
	case cmd.SignatureFile != "" && cmd.SignatureFile == cmd.Body:
		return "", errors.New("body and signature can't both be read from " + cmd.Body)
	case cmd.SignatureFile != "":
		content, err := config.ReadInput(ctx, cmd.SignatureFile)
		return strings.TrimSpace(string(content)), err
	case cmd.Signature != "":
		return cmd.Signature, nil
	default:
		return "", errors.New("no signature: give --signature or --signature-file")
	}
}

// newlineHint returns a hint if the body is valid without its last newline, which editors
// and echo add.
func newlineHint(keys *signature.Keyring, body []byte, sig string) string {
	trimmed := bytes.TrimRight(body, "\r\n")
	if len(trimmed) == len(body) {
		return ""
	}
	if _, err := keys.Verify(trimmed, sig); err != nil {
		return ""
	}
	return " (it would be valid without the newline at the end of the body)"
}
