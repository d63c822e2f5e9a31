package sqscall

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A RedrivePolicy says after how many receives a queue moves a message, and where to.
type RedrivePolicy struct {
	DeadLetterQueue string // its name
	MaxReceiveCount int
}

// ParseRedrivePolicy parses the attribute RedrivePolicy of a queue. Some servers
// write the receive count as a number, others as a string.
func ParseRedrivePolicy(text string) (RedrivePolicy, error) {
	var policy struct {
		Target   string      `json:"deadLetterTargetArn"`
		Receives json.Number `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return RedrivePolicy{}, fmt.Errorf("redrive policy: %w", err)
	}
	receives, err := policy.Receives.Int64()
	if err != nil {
		return RedrivePolicy{}, fmt.Errorf("redrive policy: maxReceiveCount: %w", err)
	}
	name := policy.Target[strings.LastIndex(policy.Target, ":")+1:]
	return RedrivePolicy{DeadLetterQueue: name, MaxReceiveCount: int(receives)}, nil
}

// DeadLetterQueueURL returns the URL of the dead-letter queue. It has the account
// and the region of its source queue, so that only the name differs.
func (p RedrivePolicy) DeadLetterQueueURL(queueURL string) string {
	return queueURL[:strings.LastIndex(queueURL, "/")+1] + p.DeadLetterQueue
}
