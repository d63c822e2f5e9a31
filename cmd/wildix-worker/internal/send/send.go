// Package send is the command send: it signs events and sends them to a queue or a
// webhook.
package send

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/events"
)

// Command is the command send.
type Command struct {
	QueueURL string       `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue to send to."`
	Webhook  string       `placeholder:"URL" help:"Post to this webhook instead, for example http://127.0.0.1:8080/webhook."`
	Type     string       `placeholder:"TYPE" xor:"what" help:"Send one event of this type, such as call:end, instead of a whole call."`
	File     string       `placeholder:"FILE" xor:"what" help:"Send the content of this file unchanged instead of a made-up event; - is standard input."`
	Exported string       `placeholder:"FILE" xor:"what" help:"Send the messages of a file that dlq export wrote, with their signatures; - is standard input."`
	Count    config.Count `placeholder:"1" help:"Number of calls, events or copies of the file."`
	Bad      string       `placeholder:"HOW" help:"Make them invalid: tampered (changed after signing), unsigned, or malformed (signed, but not JSON)." values:"tampered,unsigned,malformed"`
	Create   bool         `help:"Create the queue first, unless it exists."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Signs with the secret in WILDIX_SECRET, as a PBX does. Without --type, --file and
--exported it sends whole calls: a call:start, some call:update, a call:end.
Exported messages have signatures, and need no secret.`
}

// Run signs and sends events.
func (cmd *Command) Run(ctx context.Context) error {
	secret, err := cmd.check()
	if err != nil {
		return err
	}
	messages, err := cmd.messages(secret)
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	if cmd.Webhook != "" {
		return cmd.sendToWebhook(ctx, messages)
	}
	client, err := awsclient.New(ctx, cmd.QueueURL)
	if err != nil {
		return err
	}
	if cmd.Create {
		if err := awsclient.CreateQueue(ctx, client, cmd.QueueURL); err != nil {
			return err
		}
	}
	return cmd.send(ctx, client, messages)
}

// check returns the secret, or one error that names every wrong setting.
func (cmd *Command) check() (secret string, err error) {
	var faults config.Faults
	faults.Add(cmd.checkTarget())
	faults.Add("--count", cmd.Count.Err)
	switch cmd.Bad {
	case "", outgoing.Tampered, outgoing.Unsigned, outgoing.Malformed:
	default:
		faults.Add("--bad", fmt.Errorf("%q is not tampered, unsigned or malformed", cmd.Bad))
	}
	if cmd.Exported != "" {
		cmd.checkExported(&faults)
		return "", faults.Err()
	}
	secret, ok, err := config.Secret(config.SecretVariable)
	if !ok {
		err = errors.New("required for signing")
	}
	faults.Add(config.SecretVariable, err)
	return secret, faults.Err()
}

// checkTarget returns what is wrong with the queue or webhook to send to.
func (cmd *Command) checkTarget() (setting string, err error) {
	switch {
	case cmd.Webhook == "":
		return "--queue-url (WILDIX_QUEUE_URL)", consumer.CheckQueueURL(cmd.QueueURL)
	case cmd.Create:
		return "--create", errors.New("can't be used with --webhook")
	default:
		return "--webhook", checkWebhookURL(cmd.Webhook)
	}
}

// checkExported adds settings that do not apply to exported messages.
func (cmd *Command) checkExported(faults *config.Faults) {
	if cmd.Count.Value > 1 {
		faults.Add("--count", errors.New("can't be used with --exported: each message is sent once"))
	}
	if cmd.Bad != "" {
		faults.Add("--bad", errors.New("can't be used with --exported: messages are sent unchanged"))
	}
}

// messages returns the messages to send.
func (cmd *Command) messages(secret string) ([]outgoing.Message, error) {
	switch {
	case cmd.Exported != "":
		messages, err := exportfile.Read(cmd.Exported)
		if err != nil {
			return nil, fmt.Errorf("--exported: %w", err)
		}
		return messages, nil
	case cmd.File != "":
		return cmd.copies(secret)
	}
	var messages []outgoing.Message
	pbx := fakepbx.New()
	for range max(cmd.Count.Value, 1) {
		call := pbx.NewCall()
		if cmd.Type != "" {
			messages = append(messages, outgoing.Sign(secret, cmd.Type, call.ID, call.Body(cmd.Type), cmd.Bad))
			continue
		}
		for !call.Ended {
			eventType, body := call.Next()
			messages = append(messages, outgoing.Sign(secret, eventType, call.ID, body, cmd.Bad))
		}
	}
	return messages, nil
}

func (cmd *Command) copies(secret string) ([]outgoing.Message, error) {
	body, err := config.ReadInput(cmd.File)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("--file: %s is empty, and SQS does not accept an empty message", cmd.File)
	}
	eventType, call := "event", "file"
	if e, err := events.Decode(body); err == nil {
		eventType, call = e.Type, e.ID
	}
	messages := make([]outgoing.Message, max(cmd.Count.Value, 1))
	for i := range messages {
		messages[i] = outgoing.Sign(secret, eventType, call, body, cmd.Bad)
	}
	return messages, nil
}

func (cmd *Command) send(ctx context.Context, client *sqs.Client, messages []outgoing.Message) error {
	sent, err := outgoing.Send(ctx, client, cmd.QueueURL, messages)
	if err != nil {
		if reason := awsclient.Explain(cmd.QueueURL, err); reason != nil {
			err = reason
		}
		return fmt.Errorf("sent %d of %d events: %w", len(sent), len(messages), err)
	}
	_, err = fmt.Printf("sent %d events: %s\n", len(sent), tallyTypes(messages))
	return err
}

// tallyTypes counts messages by type.
func tallyTypes(messages []outgoing.Message) string {
	eventTypes := make([]string, len(messages))
	for i, m := range messages {
		eventTypes[i] = term.Printable(m.Type)
	}
	return term.Tally(eventTypes)
}
