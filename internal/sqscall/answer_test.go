package sqscall_test

import (
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
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/smithy-go"
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

// received returns what a protocol reads from an answer.
func received(p smithyhttp.ClientProtocol, status int, body string) (*sqs.ReceiveMessageOutput, error) {
	out := new(sqs.ReceiveMessageOutput)
	schema := smithy.NewOperationSchema(schemas.ReceiveMessage, schemas.ReceiveMessageRequest, schemas.ReceiveMessageResult)
	response := &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body))}
	err := p.DeserializeResponse(context.Background(), schema, sqs.TypeRegistry, &smithyhttp.Response{Response: response}, out)
	return out, err
}

// protocols returns that of the SDK, and that of all calls.
func protocols() (sdk, ours smithyhttp.ClientProtocol) {
	options := sqs.New(sqs.Options{Region: "eu-central-1"}).Options()
	sdk = options.Protocol
	sqscall.Options(&options)
	return sdk, options.Protocol
}

// compareAnswers reads an answer both ways, and returns the messages.
func compareAnswers(t *testing.T, status int, body string) {
	t.Helper()
	sdk, ours := protocols()
	want, wantErr := received(sdk, status, body)
	got, err := received(ours, status, body)
	switch {
	case (err == nil) != (wantErr == nil), err != nil && err.Error() != wantErr.Error():
		t.Fatalf("%d %s\nerror %v, want %v", status, body, err, wantErr)
	case err == nil && !reflect.DeepEqual(got, want):
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
		`{"Messages":[{"Attributes":{"a":"1","a":"2"}}]}`, `{"Messages":[{"Attributes":{"a":"1"},"Attributes":{"b":"2"}}]}`, `{"Messages":[{"Attributes":["a"]}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":null}}]}`, `{"Messages":[{"MessageAttributes":null}]}`, `{"Messages":[{"MessageAttributes":{"X-SIGNATURE":"a"}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"DataType":"Binary","BinaryValue":"AAE="}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"DataType":"String","StringValue":"a","StringListValues":["b"]}}}]}`,
		`{"Messages":[{"MessageAttributes":{"X-SIGNATURE":{"StringValue":"a","StringValue":"b"}}}]}`,
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
	sdk, _ := protocols()
	options := sqs.Options{Protocol: unused{sdk, t}}
	sqscall.Options(&options)
	for _, body := range []string{usualAnswer, "{}", `{"Messages":[]}`} {
		if _, err := received(options.Protocol, http.StatusOK, body); err != nil {
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

// The messages must not change when another answer is read into the same buffer.
func TestMessagesKeepTheirTexts(t *testing.T) {
	_, ours := protocols()
	first, err := received(ours, http.StatusOK, usualAnswer)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := received(ours, http.StatusOK, strings.ReplaceAll(usualAnswer, "e", "f")); err != nil {
			t.Fatal(err)
		}
	}
	sdk, _ := protocols()
	if want, _ := received(sdk, http.StatusOK, usualAnswer); !reflect.DeepEqual(first, want) {
		t.Errorf("the messages are now %+v, want %+v", first, want)
	}
	if body := aws.ToString(first.Messages[1].Body); body != "second" {
		t.Errorf("second body is %q", body)
	}
}

func TestAnAnswerThatBreaksOffIsAnError(t *testing.T) {
	_, ours := protocols()
	schema := smithy.NewOperationSchema(schemas.ReceiveMessage, schemas.ReceiveMessageRequest, schemas.ReceiveMessageResult)
	cut := io.MultiReader(strings.NewReader(usualAnswer[:100]), errReader{})
	response := &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(cut)}
	out := new(sqs.ReceiveMessageOutput)
	if err := ours.DeserializeResponse(context.Background(), schema, sqs.TypeRegistry, &smithyhttp.Response{Response: response}, out); err == nil {
		t.Errorf("no error, messages %+v", out.Messages)
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
	sdk, ours := protocols()
	for name, p := range map[string]smithyhttp.ClientProtocol{"sdk": sdk, "ours": ours} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(answer)))
			for b.Loop() {
				if out, err := received(p, http.StatusOK, string(answer)); err != nil || len(out.Messages) != 10 {
					b.Fatal(out, err)
				}
			}
		})
	}
}
