package queue

import (
	"maps"
	"strconv"
	"time"

	"wildix-worker/consumer/sqslocal/internal/message"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Settings are the attributes of a queue that can be set. The zero value is not valid; see DefaultSettings.
type Settings struct {
	Wait       time.Duration // of a receive that sets none
	Visibility time.Duration // of a receive that sets none
	Redrive    *Redrive      // nil if messages are not moved to a dead-letter queue

	attributes map[string]string // all attributes, as they were set or by default

	delay, retention           time.Duration
	maxSize                    int  // bytes of one message
	deduplicateByContent       bool // FIFO: a message without a deduplication id gets the hash of its body
	deduplicateWithinGroupOnly bool // FIFO: ids are compared within a group, not in the whole queue
}

// limits are the bounds and the default of an attribute that is a number.
type limits struct{ min, max, def int }

var numericAttributes = map[string]limits{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, message.MaxSize, message.MaxSize},
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43200, 30},
}

// optionalAttributes have no default. Only RedrivePolicy has an effect; the others are stored.
var optionalAttributes = map[string]bool{
	"RedrivePolicy": true, "RedriveAllowPolicy": true, "Policy": true,
	"KmsMasterKeyId": true, "KmsDataKeyReusePeriodSeconds": true, "SqsManagedSseEnabled": true,
}

// fifoAttributes exist only on FIFO queues. Each has two possible values.
var fifoAttributes = map[string][2]string{
	"FifoQueue":                 {"true", "true"},
	"ContentBasedDeduplication": {"true", "false"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
}

// DefaultSettings returns the settings of a queue for which none are set.
func DefaultSettings(fifo bool) Settings {
	a := make(map[string]string)
	for name, l := range numericAttributes {
		a[name] = strconv.Itoa(l.def)
	}
	if fifo {
		a["FifoQueue"] = "true"
		a["ContentBasedDeduplication"] = "false"
		a["DeduplicationScope"] = "queue"
		a["FifoThroughputLimit"] = "perQueue"
	}
	s, _ := parseSettings(a) // the only error is for a redrive policy
	return s
}

func (s Settings) fifo() bool { return s.attributes["FifoQueue"] == "true" }

// With returns the settings after a change of attributes. An empty value unsets an optional attribute.
func (s Settings) With(changes map[string]string) (Settings, error) {
	merged := maps.Clone(s.attributes)
	for name, value := range changes {
		if err := validateAttribute(name, value, s.fifo()); err != nil {
			return Settings{}, err
		}
		if value == "" {
			delete(merged, name)
			continue
		}
		merged[name] = value
	}
	return parseSettings(merged)
}

// Differ returns the name of an attribute whose value is not that of the settings, if there is one.
func (s Settings) Differ(attributes map[string]string) (name string, ok bool) {
	for name, value := range attributes {
		if s.attributes[name] != value {
			return name, true
		}
	}
	return "", false
}

func validateAttribute(name, value string, fifo bool) error {
	if l, ok := numericAttributes[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < l.min || n > l.max {
			return sqserr.AttributeValue(name)
		}
		return nil
	}
	if allowed, ok := fifoAttributes[name]; ok && fifo {
		if value != allowed[0] && value != allowed[1] {
			return sqserr.AttributeValue(name)
		}
		return nil
	}
	if optionalAttributes[name] {
		return nil
	}
	return sqserr.AttributeName(name)
}

// KnownAttribute reports whether a queue can have an attribute of this name that can be set.
func KnownAttribute(name string) bool {
	_, numeric := numericAttributes[name]
	_, fifo := fifoAttributes[name]
	return numeric || fifo || optionalAttributes[name]
}

// parseSettings parses attributes that are valid, except for the redrive policy, which it checks.
func parseSettings(attributes map[string]string) (Settings, error) {
	seconds := func(name string) time.Duration {
		n, _ := strconv.Atoi(attributes[name])
		return time.Duration(n) * time.Second
	}
	maxSize, _ := strconv.Atoi(attributes["MaximumMessageSize"])
	r, err := parseRedrive(attributes["RedrivePolicy"])
	return Settings{
		Wait:                       seconds("ReceiveMessageWaitTimeSeconds"),
		Visibility:                 seconds("VisibilityTimeout"),
		Redrive:                    r,
		attributes:                 attributes,
		delay:                      seconds("DelaySeconds"),
		retention:                  seconds("MessageRetentionPeriod"),
		maxSize:                    maxSize,
		deduplicateByContent:       attributes["ContentBasedDeduplication"] == "true",
		deduplicateWithinGroupOnly: attributes["DeduplicationScope"] == "messageGroup",
	}, err
}
