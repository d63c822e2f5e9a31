package sqslocal

import (
	"encoding/json"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// action performs one API action: it decodes its input from the body of the request and returns the output to encode.
type action func(r *request, body []byte) (output any, err error)

// actions are the API actions of the server, by name.
var actions = map[string]action{
	"CreateQueue":                  typed(createQueue),
	"GetQueueUrl":                  typed(getQueueURL),
	"GetQueueAttributes":           typed(getQueueAttributes),
	"SetQueueAttributes":           typed(setQueueAttributes),
	"ListQueues":                   typed(listQueues),
	"ListDeadLetterSourceQueues":   typed(listDeadLetterSourceQueues),
	"DeleteQueue":                  typed(deleteQueue),
	"PurgeQueue":                   typed(purgeQueue),
	"SendMessage":                  typed(sendMessage),
	"SendMessageBatch":             typed(sendMessageBatch),
	"ReceiveMessage":               typed(receiveMessage),
	"DeleteMessage":                typed(deleteMessage),
	"DeleteMessageBatch":           typed(deleteMessageBatch),
	"ChangeMessageVisibility":      typed(changeMessageVisibility),
	"ChangeMessageVisibilityBatch": typed(changeMessageVisibilityBatch),
	"StartMessageMoveTask":         typed(startMessageMoveTask),
	"ListMessageMoveTasks":         typed(listMessageMoveTasks),
	"CancelMessageMoveTask":        typed(cancelMessageMoveTask),
}

func typed[In, Out any](run func(*request, *In) (Out, error)) action {
	return func(r *request, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, sqserr.Malformed(err)
		}
		return run(r, in)
	}
}
