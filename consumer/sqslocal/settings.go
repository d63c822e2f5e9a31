package sqslocal

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
)

const (
	region    = "us-east-1"
	account   = "000000000000"
	arnPrefix = "arn:aws:sqs:" + region + ":" + account + ":"
)

// settings are the attributes of a queue that have an effect, ready for use.
type settings struct {
	delay, retention, wait, visibility time.Duration
	maxSize                            int  // bytes of one message
	contentDeduplication               bool // FIFO: a message without a deduplication id gets the hash of its body
	groupDeduplication                 bool // FIFO: ids are compared within a group only
	redrive                            *redrive
}

// redrive says which queue a message goes to when it was received too often.
type redrive struct {
	TargetARN string      `json:"deadLetterTargetArn"`
	Receives  json.Number `json:"maxReceiveCount"` // SQS takes it as a number and as a string

	maxReceives int
}

// target is the name of the dead-letter queue.
func (r *redrive) target() string { return strings.TrimPrefix(r.TargetARN, arnPrefix) }

// limits are the bounds and the default of an attribute that holds a number.
type limits struct{ min, max, normal int }

var numericAttributes = map[string]limits{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, maxMessageSize, maxMessageSize},
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43200, 30},
}

// optionalAttributes need not be set. Only RedrivePolicy has an effect; the others are kept and given back.
var optionalAttributes = map[string]bool{
	"RedrivePolicy": true, "RedriveAllowPolicy": true, "Policy": true,
	"KmsMasterKeyId": true, "KmsDataKeyReusePeriodSeconds": true, "SqsManagedSseEnabled": true,
}

// fifoAttributes are those only a FIFO queue has, with the values they can take.
var fifoAttributes = map[string][2]string{
	"FifoQueue":                 {"true", "true"},
	"ContentBasedDeduplication": {"true", "false"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
}

// defaultAttributes returns the attributes of a queue for which none were set.
func defaultAttributes(fifo bool) map[string]string {
	a := make(map[string]string)
	for name, l := range numericAttributes {
		a[name] = strconv.Itoa(l.normal)
	}
	if fifo {
		a["FifoQueue"] = "true"
		a["ContentBasedDeduplication"] = "false"
		a["DeduplicationScope"] = "queue"
		a["FifoThroughputLimit"] = "perQueue"
	}
	return a
}

// merge returns current with changes applied, each of which it checks. An empty value takes an optional attribute away.
func merge(current, changes map[string]string, fifo bool) (map[string]string, error) {
	merged := maps.Clone(current)
	for name, value := range changes {
		if err := checkAttribute(name, value, fifo); err != nil {
			return nil, err
		}
		if value == "" {
			delete(merged, name)
			continue
		}
		merged[name] = value
	}
	return merged, nil
}

func checkAttribute(name, value string, fifo bool) error {
	if l, ok := numericAttributes[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < l.min || n > l.max {
			return errAttributeValue(name)
		}
		return nil
	}
	if allowed, ok := fifoAttributes[name]; ok && fifo {
		if value != allowed[0] && value != allowed[1] {
			return errAttributeValue(name)
		}
		return nil
	}
	if optionalAttributes[name] {
		return nil
	}
	return errAttributeName(name)
}

// knownAttribute reports whether some queue can have the attribute, besides those that only can be read.
func knownAttribute(name string) bool {
	_, numeric := numericAttributes[name]
	_, fifo := fifoAttributes[name]
	return numeric || fifo || optionalAttributes[name]
}

// parseSettings reads attributes that merge has checked.
func parseSettings(attributes map[string]string) (settings, error) {
	seconds := func(name string) time.Duration {
		n, _ := strconv.Atoi(attributes[name])
		return time.Duration(n) * time.Second
	}
	maxSize, _ := strconv.Atoi(attributes["MaximumMessageSize"])
	r, err := parseRedrive(attributes["RedrivePolicy"])
	return settings{
		delay:                seconds("DelaySeconds"),
		retention:            seconds("MessageRetentionPeriod"),
		wait:                 seconds("ReceiveMessageWaitTimeSeconds"),
		visibility:           seconds("VisibilityTimeout"),
		maxSize:              maxSize,
		contentDeduplication: attributes["ContentBasedDeduplication"] == "true",
		groupDeduplication:   attributes["DeduplicationScope"] == "messageGroup",
		redrive:              r,
	}, err
}

func parseRedrive(policy string) (*redrive, error) {
	if policy == "" {
		return nil, nil
	}
	r := new(redrive)
	if err := json.Unmarshal([]byte(policy), r); err != nil {
		return nil, errRedrive(policy, "It is not a JSON object as it should be")
	}
	if r.Receives == "" {
		r.Receives = "10"
	}
	n, err := strconv.Atoi(r.Receives.String())
	if err != nil || n < 1 || n > 1000 {
		return nil, errRedrive(policy, "maxReceiveCount must be from 1 to 1000")
	}
	r.maxReceives = n
	return r, nil
}

func errRedrive(policy, reason string) error {
	return errInvalidValue("Value %s for parameter RedrivePolicy is invalid. Reason: %s.", policy, reason)
}
