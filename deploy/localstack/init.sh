#!/usr/bin/env bash
# Makes the queues, on a LocalStack that answers: wildix-events, and its dead-letter
# queue. It may run again. LocalStack's image runs it when it is ready, since
# compose.yaml puts it into ready.d; elsewhere AWS_ENDPOINT_URL says where LocalStack is.
set -euo pipefail
shopt -s inherit_errexit

export AWS_DEFAULT_REGION=${AWS_REGION:-us-east-1}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}

# LocalStack is near: no proxy is to be asked for it.
export NO_PROXY=127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}
export no_proxy=$NO_PROXY

# awslocal, in LocalStack's image, is aws with the endpoint.
sqs() {
	if command -v awslocal >/dev/null; then
		awslocal sqs "$@"
	else
		aws --endpoint-url "${AWS_ENDPOINT_URL:?names the LocalStack to use, such as http://127.0.0.1:4566}" sqs "$@"
	fi
}

# queue NAME ATTRIBUTES makes a queue, or changes the one that is there.
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
echo "made wildix-events and wildix-events-dead-letter"
