package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

type sendCmd struct {
	QueueURL string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue to send to."`
	Webhook  string `placeholder:"URL" help:"Post to this webhook instead, such as http://127.0.0.1:8080/webhook."`
	Type     string `placeholder:"TYPE" xor:"what" help:"Send one event of this type, such as call:end, instead of a whole call."`
	File     string `placeholder:"FILE" xor:"what" help:"Send what this file holds, byte by byte, instead of a made-up event; - is standard input."`
	Exported string `placeholder:"FILE" xor:"what" help:"Send the messages of a file that dlq export wrote, as they were signed; - is standard input."`
	Count    count  `placeholder:"1" help:"How many calls, events or copies of the file."`
	Bad      string `placeholder:"HOW" help:"Spoil them: tampered (changed after signing), unsigned, or malformed (signed, but not JSON)." values:"tampered,unsigned,malformed"`
	Create   bool   `help:"Make the queue first, if there is none."`
}

// Help is what --help shows below the summary.
func (*sendCmd) Help() string {
	return `Signs with the secret in WILDIX_SECRET, as the PBX would. Without --type,
--file and --exported it sends whole calls: a call:start, some call:update, a
call:end. What was exported has signatures, and needs no secret.`
}

// Run makes, signs and sends events.
func (cmd *sendCmd) Run(ctx context.Context) error {
	secret, err := cmd.check()
	if err != nil {
		return err
	}
	messages, err := cmd.messages(secret)
	if err != nil {
		return &usageError{err}
	}
	if cmd.Webhook != "" {
		return cmd.sendToWebhook(ctx, messages)
	}
	client, err := newClient(ctx, cmd.QueueURL)
	if err != nil {
		return err
	}
	if cmd.Create {
		if err := createQueue(ctx, client, cmd.QueueURL); err != nil {
			return err
		}
	}
	return cmd.send(ctx, client, messages)
}

// check returns the secret, or one error that names every wrong setting.
func (cmd *sendCmd) check() (secret string, err error) {
	var wrong faults
	wrong.add(cmd.checkTarget())
	wrong.add("--count", cmd.Count.err)
	switch cmd.Bad {
	case "", tampered, unsigned, malformed:
	default:
		wrong.add("--bad", fmt.Errorf("%q is not tampered, unsigned or malformed", cmd.Bad))
	}
	if cmd.Exported != "" {
		cmd.checkExported(&wrong)
		return "", wrong.err()
	}
	secret, ok, err := readSecret(secretVariable)
	if !ok {
		err = errors.New("required, to sign with")
	}
	wrong.add(secretVariable, err)
	return secret, wrong.err()
}

// checkTarget reports what is wrong with the place to send to.
func (cmd *sendCmd) checkTarget() (setting string, err error) {
	switch {
	case cmd.Webhook == "":
		return "--queue-url (WILDIX_QUEUE_URL)", consumer.CheckQueueURL(cmd.QueueURL)
	case cmd.Create:
		return "--create", errors.New("makes queues; a webhook has none")
	default:
		return "--webhook", checkWebhookURL(cmd.Webhook)
	}
}

// checkExported adds what makes no sense with messages that are there already.
func (cmd *sendCmd) checkExported(wrong *faults) {
	if cmd.Count.value > 1 {
		wrong.add("--count", errors.New("makes copies, and what was exported is sent once"))
	}
	if cmd.Bad != "" {
		wrong.add("--bad", errors.New("spoils events, and what was exported is sent as it is"))
	}
}

// messages makes what is to be sent.
func (cmd *sendCmd) messages(secret string) ([]outgoing, error) {
	switch {
	case cmd.Exported != "":
		return readExported(cmd.Exported)
	case cmd.File != "":
		return cmd.copies(secret)
	}
	var messages []outgoing
	exchange := newPBX()
	for range max(cmd.Count.value, 1) {
		call := exchange.newCall()
		if cmd.Type != "" {
			messages = append(messages, newOutgoing(secret, cmd.Type, call.id, call.body(cmd.Type), cmd.Bad))
			continue
		}
		for !call.ended {
			eventType, body := call.next()
			messages = append(messages, newOutgoing(secret, eventType, call.id, body, cmd.Bad))
		}
	}
	return messages, nil
}

func (cmd *sendCmd) copies(secret string) ([]outgoing, error) {
	body, err := readInput(cmd.File)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("--file: %s is empty, which SQS does not take", cmd.File)
	}
	eventType, call := "event", "file"
	if e, err := events.Decode(body); err == nil {
		eventType, call = e.Type, e.ID
	}
	messages := make([]outgoing, max(cmd.Count.value, 1))
	for i := range messages {
		messages[i] = newOutgoing(secret, eventType, call, body, cmd.Bad)
	}
	return messages, nil
}

func (cmd *sendCmd) send(ctx context.Context, client *sqs.Client, messages []outgoing) error {
	sent, err := sendAll(ctx, client, cmd.QueueURL, messages)
	if err != nil {
		if reason := refusal(cmd.QueueURL, err); reason != nil {
			err = reason
		}
		return fmt.Errorf("sent %d of %d events: %w", len(sent), len(messages), err)
	}
	_, err = fmt.Printf("sent %d events: %s\n", len(sent), tallyTypes(messages))
	return err
}

// tallyTypes counts messages by type.
func tallyTypes(messages []outgoing) string {
	eventTypes := make([]string, len(messages))
	for i, m := range messages {
		eventTypes[i] = printable(m.eventType)
	}
	return tally(eventTypes)
}

// tally counts words, in the order they first appear.
func tally(words []string) string {
	var order []string
	counts := make(map[string]int)
	for _, word := range words {
		if counts[word] == 0 {
			order = append(order, word)
		}
		counts[word]++
	}
	parts := make([]string, len(order))
	for i, word := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[word], word)
	}
	return strings.Join(parts, ", ")
}
