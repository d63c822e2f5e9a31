package docs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// awsCommand stands in for the AWS command line. It creates queues on the server that
// AWS_ENDPOINT_URL names. Of IAM and DynamoDB calls it only checks the form, since there is
// no server for them. It returns the exit code.
func awsCommand(args []string) int {
	if err := callAWS(args); err != nil {
		fmt.Fprintln(os.Stderr, "aws:", err)
		return 1
	}
	return 0
}

// known has the calls that the stand-in accepts, with their options.
var known = map[string][]string{
	"sqs create-queue":             {"queue-name", "attributes"},
	"iam create-user":              {"user-name"},
	"iam put-user-policy":          {"user-name", "policy-name", "policy-document"},
	"iam create-access-key":        {"user-name"},
	"dynamodb create-table":        {"table-name", "billing-mode", "attribute-definitions", "key-schema"},
	"dynamodb wait":                {"table-name"},
	"dynamodb update-time-to-live": {"table-name", "time-to-live-specification"},
}

func callAWS(args []string) error {
	if len(args) < 2 {
		return errors.New("no call")
	}
	call := args[0] + " " + args[1]
	names, ok := known[call]
	if !ok {
		return fmt.Errorf("the stand-in has no %q", call)
	}
	args = args[2:]
	if call == "dynamodb wait" {
		args = args[1:]
	}
	options := make(map[string]string)
	for len(args) > 1 && strings.HasPrefix(args[0], "--") {
		options[args[0][2:]] = args[1]
		args = args[2:]
	}
	if len(args) > 0 {
		return fmt.Errorf("%s: unexpected %q", call, args)
	}
	if got := slices.Sorted(maps.Keys(options)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		return fmt.Errorf("%s: options %v, want %v", call, got, names)
	}
	if policy, ok := options["policy-document"]; ok && !json.Valid([]byte(policy)) {
		return fmt.Errorf("%s: the policy is not JSON", call)
	}
	if call == "sqs create-queue" {
		return createQueue(options["queue-name"], options["attributes"])
	}
	return nil
}

func createQueue(name, attributes string) error {
	values := make(map[string]string)
	if strings.HasPrefix(attributes, "{") {
		if err := json.Unmarshal([]byte(attributes), &values); err != nil {
			return err
		}
	} else {
		for pair := range strings.SplitSeq(attributes, ",") {
			key, value, _ := strings.Cut(pair, "=")
			values[key] = value
		}
	}
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	out, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: values})
	if err != nil {
		return err
	}
	fmt.Printf("{\n    \"QueueUrl\": %q\n}\n", aws.ToString(out.QueueUrl))
	return nil
}
