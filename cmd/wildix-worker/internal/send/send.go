// Package send is the command send: it signs events and sends them to a queue or a
// webhook.
package send

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/eventtype"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// Command is the command send.
type Command struct {
	config.File `embed:""`
	QueueURL    string       `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue to send to."`
	Webhook     string       `placeholder:"URL" help:"Post the events to this webhook instead, for example http://127.0.0.1:8080/webhook."`
	Type        string       `placeholder:"TYPE" xor:"what" help:"Send one event of this type, such as call:end, instead of a whole call."`
	BodyFile    string       `name:"file" placeholder:"FILE" xor:"what" help:"Send the content of this file unchanged instead of a made-up event; - is standard input."`
	Exported    string       `placeholder:"FILE" xor:"what" help:"Send the messages of a file that dlq export wrote, with their signatures; - is standard input."`
	Count       config.Count `placeholder:"1" help:"Number of calls, events or copies of the file."`
	Missed      bool         `help:"Make up calls that the caller gives up before anybody answers (cause 16), as most missed calls are."`
	Integration string       `placeholder:"8qkmnq" help:"The integration that made-up events are from, or that a file is signed for."`
	config.Keys `embed:""`
	Bad         string `placeholder:"HOW" help:"Make the events invalid: tampered (changed after signing), unsigned, or malformed (signed, but not JSON)." values:"tampered,unsigned,malformed"`
	Create      bool   `help:"Create the queue first, unless it exists."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Signs as a PBX does, with the secret in WILDIX_SECRET or the first one in
--secrets-file that is for the events' integration. Without --type, --file and
--exported it sends whole calls: a call:start, some call:update, a call:end. An event
of --type has the data that a PBX sends with that type, such as call:completed,
call:live:progress, presence:user or sms:status.
Exported messages have signatures already, and need no secret.`
}

// Run signs and sends events.
func (cmd *Command) Run(ctx context.Context) error {
	keys, err := cmd.check()
	if err != nil {
		return err
	}
	if err := eventtype.Warn(cmd.Type); err != nil {
		return err
	}
	messages, err := cmd.messages(ctx, keys)
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

// check returns the secrets, or one error that names every wrong setting.
func (cmd *Command) check() (*signature.Keyring, error) {
	faults := cmd.Faults()
	faults.Add(cmd.checkTarget())
	faults.Add("--count", cmd.Count.Err)
	switch cmd.Bad {
	case "", outgoing.Tampered, outgoing.Unsigned, outgoing.Malformed:
	default:
		faults.Add("--bad", fmt.Errorf("%q is not tampered, unsigned or malformed", cmd.Bad))
	}
	if cmd.Exported != "" {
		cmd.checkExported(&faults)
		return nil, faults.Err()
	}
	if cmd.BodyFile != "" && cmd.Missed {
		faults.Add("--missed", errors.New("can't be used with --file: the file is sent unchanged"))
	}
	keys, err := cmd.Load(&cmd.File, nil)
	if err != nil {
		faults.AddText(err.Error())
	}
	return keys, faults.Err()
}

// checkTarget returns the setting of the queue or webhook to send to, and what is wrong with
// it.
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

// checkExported adds an error for each setting that does not apply to exported messages.
func (cmd *Command) checkExported(faults *config.Faults) {
	if cmd.Count.Value > 1 {
		faults.Add("--count", errors.New("can't be used with --exported: each message is sent once"))
	}
	if cmd.Bad != "" {
		faults.Add("--bad", errors.New("can't be used with --exported: messages are sent unchanged"))
	}
	if cmd.Missed {
		faults.Add("--missed", errors.New("can't be used with --exported: messages are sent unchanged"))
	}
	if cmd.Integration != "" {
		faults.Add("--integration", errors.New("can't be used with --exported: messages are signed already"))
	}
}

// messages returns the messages to send.
func (cmd *Command) messages(ctx context.Context, keys *signature.Keyring) ([]outgoing.Message, error) {
	switch {
	case cmd.Exported != "":
		messages, err := exit.Await(ctx, func() ([]outgoing.Message, error) { return exportfile.Read(cmd.Exported) })
		if err != nil {
			return nil, fmt.Errorf("--exported: %w", err)
		}
		return messages, nil
	case cmd.BodyFile != "":
		return cmd.copies(ctx, keys)
	}
	pbx := fakepbx.New()
	pbx.Integration, pbx.GivenUp = cmp.Or(cmd.Integration, pbx.Integration), cmd.Missed
	signer, err := signerFor(keys, pbx.Integration)
	if err != nil {
		return nil, err
	}
	var messages []outgoing.Message
	for range max(cmd.Count.Value, 1) {
		if cmd.Type != "" {
			id, body := pbx.Event(cmd.Type)
			messages = append(messages, outgoing.SignWith(signer.Sign, cmd.Type, id, body, cmd.Bad))
			continue
		}
		for call := pbx.NewCall(); !call.Ended; {
			eventType, body := call.Next()
			messages = append(messages, outgoing.SignWith(signer.Sign, eventType, call.ID, body, cmd.Bad))
		}
	}
	return messages, nil
}

// signerFor returns the signer of an integration's events.
func signerFor(keys *signature.Keyring, integrationID string) (signature.Signer, error) {
	signer, ok := keys.Signer(integrationID)
	if !ok {
		return signer, fmt.Errorf("--secrets-file (WILDIX_SECRETS_FILE): no secret for events of the integration %q; name one of the file with --integration", integrationID)
	}
	return signer, nil
}

func (cmd *Command) copies(ctx context.Context, keys *signature.Keyring) ([]outgoing.Message, error) {
	body, err := config.ReadInput(ctx, cmd.BodyFile)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("--file: %s is empty, and SQS does not accept an empty message", cmd.BodyFile)
	}
	eventType, call, integration := "event", "file", ""
	if e, err := events.Decode(body); err == nil {
		eventType, call, integration = e.Type, e.ID, e.IntegrationID
	}
	signer, err := signerFor(keys, cmp.Or(cmd.Integration, integration))
	if err != nil {
		return nil, err
	}
	messages := make([]outgoing.Message, max(cmd.Count.Value, 1))
	for i := range messages {
		messages[i] = outgoing.SignWith(signer.Sign, eventType, call, body, cmd.Bad)
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
