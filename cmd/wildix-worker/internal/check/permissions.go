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
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
)

// Permissions are checked with requests that can't succeed. SQS evaluates the policies
// before the parameters (its developer guide: "the service continues to process the
// request"), so that a request that is refused because of its parameters was permitted.
//
// Deletes and changes of visibility do not depend on that order: a batch call, which needs
// the same permission, succeeds with an error for the entry that has a made-up receipt
// handle. A receive has no batch form, and a send could succeed, so they do depend on it. The
// guide does not promise the order; if SQS validated the number of messages first, a missing
// permission would be reported as permitted.

// A probe sends a request that can't succeed, and returns its error. A batch call has none.
type probe func(ctx context.Context, client *sqs.Client, queueURL string) error

// checkPermission returns the check of a permission.
func checkPermission(action string, send probe) func(context.Context, *inspection) finding {
	return func(ctx context.Context, i *inspection) finding {
		return i.permission(action, send(ctx, i.client, i.cfg.QueueURL))
	}
}

// permission returns the finding that follows from the error of a probe.
func (i *inspection) permission(action string, err error) finding {
	switch {
	case err == nil || awsclient.InvalidRequest(err):
		return ok("permitted")
	case awsclient.Denied(err), awsclient.ErrorCode(err) == "HTTP 403": // the credentials were accepted before
		return notPermitted(action, err)
	case awsclient.ErrorCode(err) != "" && awsclient.Explain(i.cfg.QueueURL, err) == nil:
		return warning("not known", i.explain(err))
	default:
		return problem(i.explain(err), "")
	}
}

// notPermitted quotes AWS's message, since it names the user or role and often the policy.
func notPermitted(action string, err error) finding {
	advice := fmt.Sprintf("allow %s on the queue to the worker's user or role, and check that no policy denies it", action)
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
		advice += "; AWS says: " + api.ErrorMessage()
	}
	return problem("not permitted ("+awsclient.ErrorCode(err)+")", advice)
}

func checkAttributes(_ context.Context, i *inspection) finding {
	return i.permission("sqs:GetQueueAttributes", i.queue.Err)
}

// probeReceive requests an impossible number of messages. A server that does not refuse it
// returns none. SQS refuses zero too, but the SDK leaves zero out of the request, and some
// servers then return a message.
func probeReceive(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: math.MinInt32})
	return err
}

// madeUpHandle is a receipt handle that no server issues.
const madeUpHandle = "wildix-worker-check"

func probeDelete(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: &queueURL,
		Entries:  []types.DeleteMessageBatchRequestEntry{{Id: sqscall.EntryID(0), ReceiptHandle: aws.String(madeUpHandle)}},
	})
	return err
}

func probeChangeVisibility(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &queueURL,
		Entries:  []types.ChangeMessageVisibilityBatchRequestEntry{{Id: sqscall.EntryID(0), ReceiptHandle: aws.String(madeUpHandle)}},
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
	if awsclient.QueueMissing(err) {
		return problem("does not exist", "create the queue, or compare "+worker.QuarantineSetting+" with the SQS console")
	}
	return i.permission("sqs:SendMessage", err)
}
