package check

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/consumer"
)

// Permissions are probed with requests that can't succeed: SQS evaluates the
// policies first and goes on with what they allow ("the service continues to
// process the request", as its developer guide has it), so that a request which
// is refused for its parameters was allowed.
//
// For deletes and changes of visibility nothing depends on that order: the
// batch form, which the worker uses and which has the same permission, answers
// an entry with a made-up receipt handle as failed, in an answer that is itself
// a success. A receive has no such form, and a send might succeed. The guide does
// not promise the order for them; should SQS look at the number of messages
// first, a missing permission would pass for a granted one.

// A probe returns nil, or why the request was refused.
type probe func(ctx context.Context, client *sqs.Client, queueURL string) error

// permitted returns the check of a permission.
func permitted(action string, send probe) func(context.Context, *inspection) finding {
	return func(ctx context.Context, i *inspection) finding {
		return i.judge(action, send(ctx, i.client, i.cfg.QueueURL))
	}
}

// judge tells from the answer to a probe whether the action is permitted.
func (i *inspection) judge(action string, err error) finding {
	switch {
	case err == nil || awsclient.InvalidRequest(err):
		return fine("permitted")
	case awsclient.Denied(err), awsclient.ErrorCode(err) == "HTTP 403": // the credentials were accepted before
		return notPermitted(action, err)
	case awsclient.ErrorCode(err) != "" && awsclient.Explain(i.cfg.QueueURL, err) == nil:
		return warning("not known", i.trouble(err))
	default:
		return problem(i.trouble(err), "")
	}
}

// notPermitted gives AWS's own words too: they name who asked, and often the
// policy that is in the way.
func notPermitted(action string, err error) finding {
	advice := fmt.Sprintf("allow %s on the queue to the worker's user or role, and see that no policy denies it", action)
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
		advice += "; AWS says: " + api.ErrorMessage()
	}
	return problem("not permitted ("+awsclient.ErrorCode(err)+")", advice)
}

func checkAttributes(_ context.Context, i *inspection) finding {
	return i.judge("sqs:GetQueueAttributes", i.first.Err)
}

// probeReceive asks for a number of messages that nobody can give: even a
// server that does not refuse it finds that it has given enough. (SQS takes
// zero for invalid as well, but the SDK leaves it out, and some servers take it
// for the default of one.)
func probeReceive(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: math.MinInt32})
	return err
}

// madeUp is a receipt handle that no server has given out.
const madeUp = "wildix-worker-check"

func probeDelete(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: &queueURL,
		Entries:  []types.DeleteMessageBatchRequestEntry{{Id: aws.String("0"), ReceiptHandle: aws.String(madeUp)}},
	})
	return err
}

func probeChange(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &queueURL,
		Entries:  []types.ChangeMessageVisibilityBatchRequestEntry{{Id: aws.String("0"), ReceiptHandle: aws.String(madeUp)}},
	})
	return err
}

// checkQuarantine probes with a batch of no messages.
func checkQuarantine(ctx context.Context, i *inspection) finding {
	if i.cfg.OnRejected != consumer.Quarantine {
		return finding{}
	}
	_, err := i.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: &i.cfg.QuarantineQueueURL, Entries: []types.SendMessageBatchRequestEntry{},
	})
	if _, missing := errors.AsType[*types.QueueDoesNotExist](err); missing {
		return problem("does not exist", "make the queue, or compare --quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL) with the SQS console")
	}
	return i.judge("sqs:SendMessage", err)
}
