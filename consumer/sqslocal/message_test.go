package sqslocal_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

// sampleAttributes are those of a published test vector for the digest.
var sampleAttributes = map[string]types.MessageAttributeValue{
	"attribName1":            {DataType: aws.String("String"), StringValue: aws.String("attribValue 1")},
	"customNumberTypeAttrib": {DataType: aws.String("Number.float"), StringValue: aws.String("4563442423554324324264524243.32543234")},
	"binaryAttribute":        {DataType: aws.String("Binary"), BinaryValue: []byte("Hello binary world!")},
}

func TestMessageArrivesUntouched(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		body := "{\"a\": \"<b> & 'c'\"}\r\n\té \U0001F4DE \u2028"
		sent, err := f.client.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: &f.url, MessageBody: &body, MessageAttributes: sampleAttributes, MessageGroupId: aws.String("tenant"),
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
				"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1")},
			},
		})
		if err != nil {
			t.Fatal(err) // also if the digest of the body, which the SDK checks, is wrong
		}
		const digest = "c932db14a896c663f83c260297d594ff"
		if got := aws.ToString(sent.MD5OfMessageAttributes); got != digest {
			t.Errorf("digest of the attributes sent is %s, want %s", got, digest)
		}
		now := strconv.FormatInt(time.Now().UnixMilli(), 10)
		m := f.receiveOne()
		if *m.Body != body || *m.MessageId != *sent.MessageId || *m.MD5OfBody != *sent.MD5OfMessageBody {
			t.Errorf("received %q, sent %q", *m.Body, body)
		}
		if got := aws.ToString(m.MD5OfMessageAttributes); got != digest {
			t.Errorf("digest of the attributes received is %s, want %s", got, digest)
		}
		if string(m.MessageAttributes["binaryAttribute"].BinaryValue) != "Hello binary world!" ||
			*m.MessageAttributes["customNumberTypeAttrib"].DataType != "Number.float" {
			t.Errorf("attributes are %v", m.MessageAttributes)
		}
		wanted := attrs{"SentTimestamp": now, "ApproximateReceiveCount": "1", "MessageGroupId": "tenant", "AWSTraceHeader": "Root=1"}
		for name, want := range wanted {
			if got := m.Attributes[name]; got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

func TestAttributesComeOnlyWhenAskedFor(t *testing.T) {
	bubble(t, attrs{"VisibilityTimeout": "0"}, func(t *testing.T, f *fixture) {
		_, err := f.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: aws.String("a"), MessageAttributes: sampleAttributes})
		wantNil(t, err)
		for _, c := range []struct {
			names []string
			want  int
		}{
			{nil, 0}, {[]string{"nothing"}, 0}, {[]string{"attribName1"}, 1}, {[]string{"All"}, 3}, {[]string{".*"}, 3},
			{[]string{"attrib.*"}, 1}, {[]string{"custom.*", "binaryAttribute"}, 2},
		} {
			out, err := f.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url, MessageAttributeNames: c.names})
			if err != nil || len(out.Messages) != 1 {
				t.Fatal(out, err)
			}
			m := out.Messages[0]
			if len(m.MessageAttributes) != c.want || (m.MD5OfMessageAttributes != nil) != (c.want > 0) {
				t.Errorf("asked for %q, got %v", c.names, m.MessageAttributes)
			}
			if m.Attributes != nil {
				t.Errorf("system attributes %v were not asked for", m.Attributes)
			}
		}
		out, err := f.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl:                    &f.url,
			AttributeNames:              []types.QueueAttributeName{"SentTimestamp"}, //nolint:staticcheck // as older consumers ask for it
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		})
		wantNil(t, err)
		if a := out.Messages[0].Attributes; len(a) != 2 || a["ApproximateReceiveCount"] != "8" {
			t.Errorf("system attributes are %v", a)
		}
	})
}

func TestMessagesThatSQSRefusesAreRefused(t *testing.T) {
	bubble(t, attrs{"MaximumMessageSize": "1024"}, func(t *testing.T, f *fixture) {
		send := func(in sqs.SendMessageInput) error {
			in.QueueUrl = &f.url
			_, err := f.client.SendMessage(t.Context(), &in)
			return err
		}
		attribute := func(name, dataType, value string) error {
			return send(sqs.SendMessageInput{MessageBody: aws.String("a"), MessageAttributes: map[string]types.MessageAttributeValue{
				name: {DataType: &dataType, StringValue: &value},
			}})
		}
		for _, body := range []string{"\x00", "a\x1fb", "\uFFFE", "\uFFFF"} {
			wantError[*types.InvalidMessageContents](t, send(sqs.SendMessageInput{MessageBody: &body}))
		}
		wantError[*types.InvalidMessageContents](t, attribute("a", "String", "\x01"))
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String("")}), "MissingParameter")
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("a", 1025))}), "InvalidParameterValue")
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String("a"), DelaySeconds: 901}), "InvalidParameterValue")
		wantCode(t, attribute("a", "String", strings.Repeat("a", 1017)), "InvalidParameterValue") // with name, type and body 1025
		wantCode(t, attribute("a", "Text", "a"), "InvalidParameterValue")
		wantCode(t, attribute("a", "String", ""), "InvalidParameterValue")
		wantCode(t, attribute("a", "Number", "one"), "InvalidParameterValue")
		for _, name := range []string{"aws.a", "Amazon.a", ".a", "a..b", "a b"} {
			wantCode(t, attribute(name, "String", "a"), "InvalidParameterValue")
		}
		f.wantDepth(sqslocal.Depth{})
		wantNil(t, send(sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("a", 1024))}))
		wantNil(t, attribute("a", "String", strings.Repeat("a", 1016)))
		wantNil(t, attribute("a.b-c_1", "Number.int", "-1.5e3"))
	})
}

func TestLargestBatch(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		half := strings.Repeat("\n", 1<<19) // twice as large in JSON
		batch := func(bodies ...string) error {
			in := &sqs.SendMessageBatchInput{QueueUrl: &f.url, Entries: []types.SendMessageBatchRequestEntry{}}
			for i, body := range bodies {
				in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(body)})
			}
			out, err := f.client.SendMessageBatch(t.Context(), in)
			if err == nil && len(out.Successful) != len(bodies) {
				t.Errorf("failed: %v", out.Failed)
			}
			return err
		}
		wantNil(t, batch(half, half))
		wantError[*types.BatchRequestTooLong](t, batch(half, half, "a"))
		wantError[*types.EmptyBatchRequest](t, batch())
		wantError[*types.TooManyEntriesInBatchRequest](t, batch(strings.Split("abcdefghijk", "")...))
		f.wantDepth(sqslocal.Depth{Visible: 2})
	})
}

func TestMessagePastItsRetentionIsDropped(t *testing.T) {
	bubble(t, attrs{"MessageRetentionPeriod": "60"}, func(t *testing.T, f *fixture) {
		f.send("old")
		time.Sleep(61 * time.Second)
		f.send("new")
		f.wantBodies(f.receive(0), "new")
	})
}
