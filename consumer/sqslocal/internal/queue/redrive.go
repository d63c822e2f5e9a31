package queue

import (
	"encoding/json"
	"strconv"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Redrive is the policy by which messages move to a dead-letter queue.
type Redrive struct {
	Policy      string // the attribute, as it was set
	TargetARN   string // the dead-letter queue
	maxReceives int
}

// parseRedrive parses a redrive policy; it returns nil for "".
func parseRedrive(policy string) (*Redrive, error) {
	if policy == "" {
		return nil, nil
	}
	parsed := struct {
		DeadLetterTargetARN string      `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number `json:"maxReceiveCount"` // SQS accepts a number and a string
	}{MaxReceiveCount: "10"}
	if err := json.Unmarshal([]byte(policy), &parsed); err != nil {
		return nil, sqserr.RedrivePolicy(policy, "It is not a valid JSON object")
	}
	n, err := strconv.Atoi(parsed.MaxReceiveCount.String())
	if err != nil || n < 1 || n > 1000 {
		return nil, sqserr.RedrivePolicy(policy, "maxReceiveCount must be from 1 to 1000")
	}
	return &Redrive{policy, parsed.DeadLetterTargetARN, n}, nil
}
