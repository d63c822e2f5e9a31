package sqscall_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"wildix-worker/internal/sqscall"
)

// usualAnswer is the form of SQS's answer to a receive.
const usualAnswer = `{"Messages":[{
	"MessageId":"5fea7756-0ea4-451a-a703-a558b933e274",
	"ReceiptHandle":"AQEBzbVv...fajrEmiA0Hcw==",
	"MD5OfBody":"fafb00f5732ab283681e124bf8747ed1",
	"Body":"{\"id\":\"c1\",\"name\":\"J\u00f6rg \\\"\ud83d\udcde\\\" \\u0041\/\\n\"}\n\t",
	"Attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1677112427387","AWSTraceHeader":"Root=1"},
	"MD5OfMessageAttributes":"f7bfbe01c2fdd2e1be2d6ee0ea5b7e2c",
	"MessageAttributes":{"X-SIGNATURE":{"DataType":"String","StringValue":"0a1b"},"Other":{"DataType":"String","StringValue":"b"}}
},{"Body":"second","MessageAttributes":{},"Attributes":{}}]}`

// fixedAnswer is the network: a server that gives one answer to all requests.
type fixedAnswer struct {
	status int
	body   io.Reader
}

func (a fixedAnswer) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: make(http.Header), Body: io.NopCloser(a.body)}, nil
}

// answering returns a client whose server gives one answer.
func answering(status int, body io.Reader, options ...func(*sqs.Options)) *sqs.Client {
	return sqs.New(sqs.Options{Region: "eu-central-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: fixedAnswer{status, body}}, options...)
}

// received returns what a worker receives if a client gets an answer.
func received(client sqscall.Receiver) ([]sqscall.Message, error) {
	return sqscall.Receive(context.Background(), client, &sqs.ReceiveMessageInput{QueueUrl: aws.String("https://sqs.eu-central-1.amazonaws.com/1/calls")})
}

// A wrapped client may use the messages that the SDK has read.
type wrapped struct{ sqscall.Receiver }

// compareAnswers reads an answer in one pass and with the SDK, and compares the messages.
func compareAnswers(t *testing.T, status int, body string) {
	t.Helper()
	want, wantErr := received(wrapped{answering(status, strings.NewReader(body))})
	got, err := received(answering(status, strings.NewReader(body)))
	switch {
	case (err == nil) != (wantErr == nil), err != nil && err.Error() != wantErr.Error():
		t.Fatalf("%d %s\nerror %v, want %v", status, body, err, wantErr)
	case len(got) != len(want), len(got) > 0 && !reflect.DeepEqual(got, want):
		t.Fatalf("%d %s\nread %+v\nwant %+v", status, body, got, want)
	}
}

func TestAnswersAreReadAsTheSDKReadsThem(t *testing.T) {
	for _, body := range []string{
		usualAnswer, "", "{}", " {} ", `{"Messages":[]}`, `{"Messages":null}`, `{"Messages":{}}`, `{"messages":[{"Body":"a"}]}`,
		`null`, `[]`, `{`, `{}{}`, `{"Messages":[{"Body":"a"}]`, `{"Messages":[{"Body":"a"}]}}`, `{"Messages":[{"Body":"a"},]}`,
		`{"Messages":[{"Body":"a"}],"Messages":[{"Body":"b"}]}`, `{"Messages":[],"Messages":[{"Body":"b"}]}`, `{"Other":1,"Messages":[{"Body":"a"}]}`,
		`{"Messages":[{"Body":"a","Body":"b"}]}`, `{"Messages":[{"Body":null}]}`, `{"Messages":[{"Body":1}]}`, `{"Messages":[{"Body":1"}]}`, `{"Messages":[{"Attributes":{"a":1"}}]}`, `{"Messages":[{"Body":{"a":"b"}}]}`,
		`{"Messages":[{"body":"a"}]}`, `{"Messages":[{"Body":""}]}`, `{"Messages":[{"Other":"a","Body":"b"}]}`, `{"Messages":[null,{"Body":"a"}]}`,
		`{"Messages":["a"]}`, `{"Messages":[{}]}`, `{"Messages":[{"Bod\u0079":"a"}]}`,
		`{"Messages":[{"Body":"\ud83d"}]}`, `{"Messages":[{"Body":"\ude00\ud83d x"}]}`, "{\"Messages\":[{\"Body\":\"\xff\xfe\\n\"}]}", "{\"Messages\":[{\"Body\":\"a\x01b\"}]}",
		"{\"Messages\":[{\"Attributes\":{\"\x80\xff\":\"a\"}}]}",
		`{"Messages":[{"Body":"\x"}]}`, `{"Messages":[{"Body":"\u12"}]}`,
		`{"Messages":[{"Attributes":null}]}`, `{"Messages":[{"Attributes":{"SentTimestamp":1}}]}`, `{"Messages":[{"Attributes":{"SentTimestamp":null}}]}`,
		`{"Messages":[{"Attributes":{"SentTimestamp":"1","SentTimestamp":"2"}}]}`, `{"Messages":[{"Attributes":["a"]}]}`,
		`{"Messages":[{"Attributes":{"SentTimestamp":"1","MessageGroupId":"g","ApproximateReceiveCount":"3","ApproximateFirstReceiveTimestamp":"2"},"Attributes":{"b":"2"}}]}`,
		`{"Messages":[{"Attributes":{"SentTimestamp":"later","ApproximateReceiveCount":"0","ApproximateFirstReceiveTimestamp":""}}]}`,
		`{"Messages":[{"Attributes":{"ApproximateReceiveCount":"3000000000","SentTimestamp":"9999999999999999999"}}]}`,
		`{"Messages":[{"ReceiptHandle":"a","MessageId":""},{"ReceiptHandle":"a"},{"ReceiptHandle":"a","ReceiptHandle":"","MessageId":"b","MessageId":"c"}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":null}}]}`, `{"Messages":[{"MessageAttributes":null}]}`, `{"Messages":[{"MessageAttributes":{"X-SIGNATURE":"a"}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"DataType":"Binary","BinaryValue":"AAE="}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"DataType":"String","StringValue":"a","StringListValues":["b"]}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"StringValue":"a","StringValue":"b","DataType":"String"}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"StringValue":"a"}}}]}`, `{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"DataType":"String"}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"StringValue":"a","DataType":"Number"}}}]}`, `{"Messages":[{"MessageAttributes":{"Other":{"StringValue":"1","DataType":"Number"}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"StringValue":"a","DataType":"String"}},"MessageAttributes":{}}]}`,
		`{"Messages":[{"MessageAttributes":{"x-signature":{"StringValue":"a","DataType":"String"}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"StringValue":"a"},"X-SIGNATURE":{"DataType":"String"}}}]}`,
		`{"Messages":[{"Attributes":{"\u0061` + strings.Repeat("b", 300) + `":"c"}}]}`,
		`{"Messages":[` + strings.Repeat(`{"Body":"a","MessageId":"b","ReceiptHandle":"c","MD5OfBody":"d"},`, 40) + `{}]}`,
		`{"Messages":[{"Body":"` + strings.Repeat(`\"long\" `, 20_000) + `"}]}`,
	} {
		compareAnswers(t, http.StatusOK, body)
	}
	for _, status := range []int{http.StatusNoContent, http.StatusBadRequest, http.StatusServiceUnavailable} {
		compareAnswers(t, status, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`)
		compareAnswers(t, status, usualAnswer)
	}
}

// The SDK reads no answer of the usual form: that would take twice as long, and nothing else
// would show it.
func TestUsualAnswersAreNotLeftToTheSDK(t *testing.T) {
	for _, body := range []string{usualAnswer, "{}", `{"Messages":[]}`} {
		_, err := received(answering(http.StatusOK, strings.NewReader(body), func(o *sqs.Options) { o.Protocol = unused{o.Protocol, t} }))
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// unused is a protocol that must not read an answer.
type unused struct {
	smithyhttp.ClientProtocol
	t *testing.T
}

func (u unused) DeserializeResponse(context.Context, *smithy.OperationSchema, *smithy.TypeRegistry, *smithyhttp.Response, smithy.Deserializable) error {
	u.t.Error("the SDK reads the answer")
	return nil
}

func FuzzAnswer(f *testing.F) {
	f.Add(usualAnswer)
	f.Add(`{"Messages":[{"Body":null,"Attributes":{"a":"b"}}]}`)
	f.Fuzz(func(t *testing.T, body string) { compareAnswers(t, http.StatusOK, body) })
}

// Somebody who looks at the SDK's output finds the messages there.
func TestOthersSeeTheMessages(t *testing.T) {
	seen := 0
	count := func(out any) {
		if out, ok := out.(*sqs.ReceiveMessageOutput); ok {
			seen += len(out.Messages)
		}
	}
	for name, option := range map[string]func(*sqs.Options){
		"middleware": func(o *sqs.Options) {
			o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
				return s.Initialize.Add(middleware.InitializeMiddlewareFunc("count", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					out, metadata, err := next.HandleInitialize(ctx, in)
					count(out.Result)
					return out, metadata, err
				}), middleware.Before)
			})
		},
		"after deserialization": func(o *sqs.Options) { o.Interceptors.AddAfterDeserialization(after(count)) },
		"after attempt":         func(o *sqs.Options) { o.Interceptors.AddAfterAttempt(after(count)) },
		"after execution":       func(o *sqs.Options) { o.Interceptors.AddAfterExecution(after(count)) },
	} {
		seen = 0
		messages, err := received(answering(http.StatusOK, strings.NewReader(usualAnswer), option))
		if err != nil || len(messages) != 2 || seen != 2 {
			t.Errorf("%s: saw %d of %d messages (%v)", name, seen, len(messages), err)
		}
	}
	seen = 0
	if _, err := received(looking{answering(http.StatusOK, strings.NewReader(usualAnswer)), count}); err != nil || seen != 2 {
		t.Errorf("a client around that of the SDK saw %d messages (%v)", seen, err)
	}
}

// looking is a client that looks at the output of its receives.
type looking struct {
	sqscall.Receiver
	look func(out any)
}

func (l looking) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := l.Receiver.ReceiveMessage(ctx, in, options...)
	l.look(out)
	return out, err
}

// after looks at the output of a call.
type after func(out any)

func (a after) AfterDeserialization(_ context.Context, in *smithyhttp.InterceptorContext) error {
	a(in.Output)
	return nil
}

func (a after) AfterAttempt(_ context.Context, in *smithyhttp.InterceptorContext) error {
	a(in.Output)
	return nil
}

func (a after) AfterExecution(_ context.Context, in *smithyhttp.InterceptorContext) error {
	a(in.Output)
	return nil
}

// The messages must not change when another answer is read into the same memory.
func TestMessagesKeepTheirTexts(t *testing.T) {
	first, err := received(answering(http.StatusOK, strings.NewReader(usualAnswer)))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := received(answering(http.StatusOK, strings.NewReader(strings.ReplaceAll(usualAnswer, "e", "f")))); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := received(wrapped{answering(http.StatusOK, strings.NewReader(usualAnswer))})
	if !reflect.DeepEqual(first, want) {
		t.Errorf("the messages are now %+v, want %+v", first, want)
	}
	if body := string(first[1].Body); body != "second" {
		t.Errorf("second body is %q", body)
	}
}

func TestAnAnswerThatBreaksOffIsAnError(t *testing.T) {
	cut := io.MultiReader(strings.NewReader(usualAnswer[:100]), errReader{})
	if messages, err := received(answering(http.StatusOK, cut)); err == nil {
		t.Errorf("no error, messages %+v", messages)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// BenchmarkReceive reads ten messages of a signed event of 1 KB.
func BenchmarkReceive(b *testing.B) {
	event := `{"type":"call:end","data":{"caller":{"name":"` + strings.Repeat(`Jane Doe","phone":"+15550100`, 32) + `"}}}`
	message := map[string]any{
		"MessageId":              "5fea7756-0ea4-451a-a703-a558b933e274",
		"ReceiptHandle":          strings.Repeat("AQEBzbVv", 45),
		"MD5OfBody":              "fafb00f5732ab283681e124bf8747ed1",
		"Body":                   event,
		"Attributes":             map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1677112427387", "ApproximateFirstReceiveTimestamp": "1677112428387"},
		"MD5OfMessageAttributes": "f7bfbe01c2fdd2e1be2d6ee0ea5b7e2c",
		"MessageAttributes":      map[string]any{sqscall.SignatureAttribute: map[string]string{"DataType": "String", "StringValue": strings.Repeat("0a", 32)}},
	}
	answer, err := json.Marshal(map[string]any{"Messages": slices.Repeat([]any{message}, 10)})
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func(*sqs.Client) sqscall.Receiver{
		"sdk":  func(c *sqs.Client) sqscall.Receiver { return wrapped{c} },
		"ours": func(c *sqs.Client) sqscall.Receiver { return c },
	} {
		b.Run(name, func(b *testing.B) {
			body := bytes.NewReader(answer)
			client := read(answering(http.StatusOK, body))
			b.ReportAllocs()
			b.SetBytes(int64(len(answer)))
			for b.Loop() {
				body.Reset(answer)
				if messages, err := received(client); err != nil || len(messages) != 10 {
					b.Fatal(messages, err)
				}
			}
		})
	}
}
