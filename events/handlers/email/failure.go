package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"time"

	"wildix-worker/events"
)

// A step is where a session fails.
type step string

const (
	connectStep   step = "connect"
	tlsStep       step = "TLS"
	greetingStep  step = "greeting"
	loginStep     step = "login"
	senderStep    step = "sender"
	recipientStep step = "recipient"
	contentStep   step = "content"
)

// maxReplies limits the bytes of all replies of a server, and so their memory.
const maxReplies = 1 << 20

// pause is how long nothing is sent to a server that can take no mail now.
const pause = time.Minute

// The reasons of failures without a reply.
var (
	errNoSTARTTLS  = errors.New("the server offers no STARTTLS; write smtps:// if it speaks TLS on this port, or use its port for submission, usually 587")
	errNoLogin     = errors.New("the server offers no login by PLAIN, LOGIN, SCRAM-SHA-256 or CRAM-MD5; remove the user from the URL if it needs none, or use another port")
	errNotLoopback = errors.New("mail in clear is sent to loopback addresses only; remove tls=off from the URL")
	errTooMuch     = fmt.Errorf("the server's replies are longer than %d bytes", maxReplies)
	errTooSlow     = errors.New("no reply in time")
	errClosed      = errors.New("the server closed the connection")
	errNoTLS       = errors.New("the server does not speak TLS on this port; write smtp:// to use STARTTLS")
	errNoSMTP      = errors.New("not a reply of a mail server; write smtps:// if it speaks TLS on this port")
)

// A stepError is why a session has failed.
type stepError struct {
	step    step
	address string // the recipient's
	code    int    // of the reply, or 0
	err     error
}

// failed returns the error of a step.
func failed(at step, err error) *stepError {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return &stepError{step: at, code: reply.Code, err: errors.New(describe(at, reply))}
	}
	return &stepError{step: at, err: reason(err)}
}

func (e *stepError) of(address string) *stepError {
	e.address = address
	return e
}

// Error returns the step, what happened and what to do about it.
func (e *stepError) Error() string {
	text := string(e.step)
	if e.address != "" {
		text += " " + e.address
	}
	text += ": " + e.err.Error()
	if remedy := e.remedy(); remedy != "" {
		text += "; " + remedy
	}
	return text
}

func (e *stepError) Unwrap() error { return e.err }

func (e *stepError) remedy() string {
	switch {
	case e.step == greetingStep && errors.Is(e.err, errTooSlow):
		return "write smtps:// if the server speaks TLS on this port"
	case e.code/100 != 5:
		return ""
	case e.step == loginStep:
		return "check the user in URL and Password"
	case e.code == 530 && e.step != contentStep:
		return "the server wants a login: set a user in URL, and Password"
	case e.step == senderStep:
		return "check From, and whether this user may send from it"
	case e.step == recipientStep:
		return "check To, and whether the server sends mail there for this user"
	default:
		return ""
	}
}

// goingAway is the reply of a server that closes the connection.
const goingAway = 421

// result returns the error that a handler returns for a mail.
func (e *stepError) result() error {
	begun := e.step == senderStep || e.step == recipientStep || e.step == contentStep
	switch {
	case e.code == goingAway, e.code/100 == 4 && !begun, e.code/100 == 4 && strings.Contains(e.err.Error(), " 4.3."):
		return events.Unavailable(pause, e)
	case e.code/100 == 5 && e.step == contentStep && !strings.Contains(e.err.Error(), " "+senderDenied):
		return events.Permanent(e)
	default:
		return e
	}
}

// senderDenied is the enhanced code by which Exchange refuses a sender, only after the content.
const senderDenied = "5.7.60"

// enhancedCode matches an enhanced status code (RFC 3463) at the beginning of a reply.
var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// describe returns a reply for people. Of a reply to the content, which may quote it, it has
// the codes only.
func describe(at step, reply *textproto.Error) string {
	const maxText = 200
	text := printable(reply.Msg)
	if at == contentStep {
		text = enhancedCode.FindString(text)
	}
	if len(text) > maxText {
		text = text[:maxText] + "..."
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", reply.Code, text))
}

// printable returns a text with ASCII characters only, on one line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case r < ' ' || r > '~':
			return -1
		default:
			return r
		}
	}, text)
}

// reason returns why there is no reply. Errors that it passes on contain addresses and host
// names only.
func reason(err error) error {
	var timeout net.Error
	var network *net.OpError
	var noTLS tls.RecordHeaderError
	var alert tls.AlertError
	for _, known := range []error{errNoSTARTTLS, errNoLogin, errNotLoopback, errTooMuch} {
		if errors.Is(err, known) {
			return known
		}
	}
	certificate, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isCertificate:
		return fmt.Errorf("%w; the host in URL must be a name in the certificate, and its issuer a trusted authority", certificate)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errTooSlow
	case errors.Is(err, context.Canceled):
		return errors.New("cancelled")
	case errors.As(err, &noTLS):
		return errNoTLS
	case errors.As(err, &alert):
		return fmt.Errorf("handshake failed: %w", alert)
	case errors.As(err, &network) && network.Op == "dial":
		return fmt.Errorf("%w; check host and port in URL, and whether a firewall allows them", network)
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return errClosed
	default:
		return errNoSMTP
	}
}
