// Package message is the content of an SQS message: body, attributes and ids, with the limits and digests of SQS.
package message

import (
	"crypto/md5"
	"encoding/hex"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// MaxSize is the limit for one message and for all messages of one batch together, in bytes of bodies and attributes.
const MaxSize = 1 << 20

// TraceHeader is the only system attribute that a sender can set.
const TraceHeader = "AWSTraceHeader"

// Content is what the sender of a message sets.
type Content struct {
	Body             string
	Attributes       Attributes
	SystemAttributes Attributes
	GroupID          string
	DeduplicationID  string
}

// Validate returns the error of SQS for content that no queue accepts. Rules that depend on the queue are not checked.
func (c *Content) Validate() error {
	if c.Body == "" {
		return sqserr.MissingParameter("MessageBody")
	}
	if err := validateText(c.Body, "message body"); err != nil {
		return err
	}
	if err := c.Attributes.Validate(); err != nil {
		return err
	}
	for name := range c.SystemAttributes {
		if name != TraceHeader {
			return sqserr.InvalidValue("Message system attribute name '%s' is invalid.", name)
		}
	}
	for name, id := range map[string]string{"MessageGroupId": c.GroupID, "MessageDeduplicationId": c.DeduplicationID} {
		if !validID(id) {
			return sqserr.InvalidValue("Value %s for parameter %s is invalid. Reason: It can only contain alphanumeric characters and punctuation, at most 128 of them.", id, name)
		}
	}
	return nil
}

// Size returns what counts against the size limits, in bytes.
func (c *Content) Size() int { return len(c.Body) + c.Attributes.Size() }

// BodyMD5 returns the MD5 digest of the body in hex.
func (c *Content) BodyMD5() string {
	digest := md5.Sum([]byte(c.Body))
	return hex.EncodeToString(digest[:])
}
