package sqscall_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/internal/sqscall"
)

// newClient returns a client of a server with this handler.
func newClient(t *testing.T, h http.HandlerFunc) *sqs.Client {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &srv.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   srv.Client(),
	})
}

func TestCallsAreNotRepeatedAndBodiesArriveWhole(t *testing.T) {
	var requests atomic.Int64
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), `"MessageBody":"hello"`) || r.ContentLength != int64(len(body)) {
			t.Errorf("body %q of length %d, %v", body, r.ContentLength, err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"__type":"com.amazonaws.sqs#InternalFailure"}`)
	})
	_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("queue"), MessageBody: aws.String("hello")}, sqscall.Options)
	if code := sqscall.ErrorCode(err); code != "InternalFailure" {
		t.Errorf("code %s of error %v", code, err)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestChecksumOfAMessageIsNotVerified(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		io.WriteString(w, `{"MessageId":"1","MD5OfMessageBody":"not the MD5"}`)
	})
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("queue"), MessageBody: aws.String("hello")}, sqscall.Options); err != nil {
		t.Error(err)
	}
}

func TestErrorCode(t *testing.T) {
	for want, err := range map[string]error{
		"AccessDenied": fmt.Errorf("call: %w", &smithy.GenericAPIError{Code: "AccessDenied"}),
		"timeout":      fmt.Errorf("call: %w", context.DeadlineExceeded),
		"connection":   errors.New("connection reset by peer"),
	} {
		if got := sqscall.ErrorCode(err); got != want {
			t.Errorf("code of %v is %s, want %s", err, got, want)
		}
	}
}

func TestOutageLogsOneLineAChangeOfState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		o := sqscall.NewOutage(zap.New(core), "receive")
		for range 3 {
			o.Failed(context.DeadlineExceeded)
		}
		o.Succeeded()
		time.Sleep(5 * time.Second)
		o.Succeeded()
		if logs.Len() != 2 {
			t.Fatalf("logged %v", logs.All())
		}
		first, last := logs.All()[0], logs.All()[1]
		if fields := first.ContextMap(); first.Level != zap.WarnLevel || fields["operation"] != "receive" || fields["code"] != "timeout" || fields["error"] == "" {
			t.Errorf("first line %v %v", first, fields)
		}
		if fields := last.ContextMap(); last.Level != zap.InfoLevel || fields["operation"] != "receive" {
			t.Errorf("last line %v %v", last, fields)
		}
	})
}

func TestAttributesSizeCountsNamesTypesAndValues(t *testing.T) {
	attributes := map[string]types.MessageAttributeValue{
		"name":   sqscall.Text("value"), // 4 + 6 + 5
		"binary": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}},
	}
	if got, want := sqscall.AttributesSize(attributes), 15+14; got != want {
		t.Errorf("size %d, want %d", got, want)
	}
}

func TestIsFIFO(t *testing.T) {
	for queue, want := range map[string]bool{"calls.fifo": true, "https://sqs.eu-central-1.amazonaws.com/123456789012/calls.fifo": true, "calls": false, "fifo": false} {
		if got := sqscall.IsFIFO(queue); got != want {
			t.Errorf("%s: %t", queue, got)
		}
	}
}
