#!/usr/bin/env bash
# Creates the queue wildix-events and its dead-letter queue on a running LocalStack. It may
# run again. compose.yaml mounts it into ready.d, so that LocalStack's image runs it when it
# is ready; elsewhere AWS_ENDPOINT_URL is LocalStack's URL.
set -euo pipefail
shopt -s inherit_errexit

export AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}

# LocalStack runs on this machine, so use no proxy.
export NO_PROXY=127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}
export no_proxy=$NO_PROXY

# LocalStack's image has awslocal, which is aws with the endpoint.
sqs() {
	if command -v awslocal >/dev/null; then
		awslocal sqs "$@"
	else
		aws --endpoint-url "${AWS_ENDPOINT_URL:?must be the URL of LocalStack, such as http://127.0.0.1:4566}" sqs "$@"
	fi
}

# queue NAME ATTRIBUTES creates a queue, or changes the existing one, and prints its URL.
queue() {
	local url
	url=$(sqs create-queue --queue-name "$1" --query QueueUrl --output text)
	sqs set-queue-attributes --queue-url "$url" --attributes "$2"
	echo "$url"
}

dead=$(queue wildix-events-dead-letter '{"MessageRetentionPeriod": "1209600"}')
arn=$(sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn --output text)
queue wildix-events '{
	"MessageRetentionPeriod": "1209600",
	"RedrivePolicy": "{\"deadLetterTargetArn\":\"'"$arn"'\",\"maxReceiveCount\":\"10\"}"
}' >/dev/null
echo "created wildix-events and wildix-events-dead-letter"
