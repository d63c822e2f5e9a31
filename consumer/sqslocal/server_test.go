package sqslocal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

func Example() {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		panic(err)
	}
	defer srv.Close()
	url, err := srv.CreateQueue("calls", map[string]string{"VisibilityTimeout": "60"})
	if err != nil {
		panic(err)
	}

	ctx, client := context.Background(), srv.Client()
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello")}); err != nil {
		panic(err)
	}
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
	if err != nil {
		panic(err)
	}
	fmt.Println(*out.Messages[0].Body, srv.Depth("calls"))
	// Output: hello {0 1 0}
}

// Lost answers make a consumer see a message twice.
func ExampleServer_Inject() {
	srv := sqslocal.New(sqslocal.Options{})
	srv.StartPipe()
	defer srv.Close()
	url, _ := srv.CreateQueue("calls", map[string]string{"VisibilityTimeout": "0"})
	remove := srv.Inject(sqslocal.Fault{Action: "SendMessage", DropAfter: true, Count: 1})
	defer remove()

	_, err := srv.Client().SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello")})
	fmt.Println(err, srv.Calls("SendMessage"), srv.Depth("calls").Visible)
	// Output: <nil> 2 2
}

func TestCloseIsFinal(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	url, err := srv.CreateQueue("calls", nil)
	wantNil(t, err)
	client := srv.Client(noRetries)
	polling := make(chan error)
	for range 3 {
		go func() {
			_, err := client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
			polling <- err
		}()
	}
	for srv.Calls("ReceiveMessage") < 3 {
		runtime.Gosched()
	}
	wantNil(t, srv.Close())
	wantNil(t, srv.Close())
	for range 3 {
		if <-polling == nil {
			t.Error("a long poll should fail when the server closes")
		}
	}
	if err := srv.Start(""); err == nil {
		t.Error("a closed server should not start")
	}
	if err := srv.Serve(sqslocal.Pipe()); err != http.ErrServerClosed {
		t.Errorf("Serve after Close returned %v", err)
	}
	if _, err := srv.StartPipe().DialContext(t.Context(), "", ""); err == nil {
		t.Error("a closed server should accept no connection")
	}
}

func TestServeReturnsWhenClosed(t *testing.T) {
	srv, l := sqslocal.New(sqslocal.Options{}), sqslocal.Pipe()
	served := make(chan error)
	go func() { served <- srv.Serve(l) }()
	for srv.URL() == "" {
		runtime.Gosched()
	}
	_, err := srv.Client().ListQueues(t.Context(), &sqs.ListQueuesInput{})
	wantNil(t, err)
	wantNil(t, srv.Close())
	wantNil(t, <-served)
}

func TestStartReportsAnAddressInUse(t *testing.T) {
	a, b := sqslocal.New(sqslocal.Options{}), sqslocal.New(sqslocal.Options{})
	defer a.Close()
	defer b.Close()
	wantNil(t, a.Start(""))
	if err := b.Start(strings.TrimPrefix(a.URL(), "http://")); err == nil {
		t.Error("two servers cannot have the same address")
	}
}

func TestRequestsThatAreTooLargeAreRefused(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{Latency: -1})
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat(" ", 9<<20))))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status is %d, want 413", w.Code)
	}
}

// FuzzServeHTTP checks that no request makes the server panic or answer without JSON.
func FuzzServeHTTP(f *testing.F) {
	f.Add("CreateQueue", `{"QueueName":"q","Attributes":{"FifoQueue":"true","RedrivePolicy":"{}"}}`)
	f.Add("SendMessage", `{"QueueUrl":"/q","MessageBody":"a","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"YQ=="}}}`)
	f.Add("SendMessageBatch", `{"QueueUrl":"/f.fifo","Entries":[{"Id":"a","MessageBody":"b","MessageGroupId":"g","MessageDeduplicationId":"d"}]}`)
	f.Add("ReceiveMessage", `{"QueueUrl":"/q","MaxNumberOfMessages":10,"VisibilityTimeout":0,"AttributeNames":["All"]}`)
	f.Add("ReceiveMessage", `{"QueueUrl":"/f.fifo","MessageAttributeNames":["a.*",".*",""]}`)
	f.Add("DeleteMessageBatch", `{"QueueUrl":"/q","Entries":[{"Id":"a","ReceiptHandle":"AAAAAAAAAAEAAAAAAAAAAgAAAAAAAAAB"}]}`)
	f.Add("ChangeMessageVisibilityBatch", `{"QueueUrl":"/q","Entries":[{"Id":"a","ReceiptHandle":"AAAAAAAAAAEAAAAAAAAAAgAAAAAAAAAB","VisibilityTimeout":1}]}`)
	f.Add("ListQueues", `{"MaxResults":-1,"NextToken":"q"}`)
	f.Add("", "[")
	f.Fuzz(func(t *testing.T, action, body string) {
		synctest.Test(t, func(t *testing.T) { // a long poll takes no time here
			srv := sqslocal.New(sqslocal.Options{})
			for name, attributes := range map[string]attrs{"q": nil, "f.fifo": {"FifoQueue": "true"}} {
				url, err := srv.CreateQueue(name, attributes)
				wantNil(t, err)
				post(srv, "SendMessage", fmt.Sprintf(`{"QueueUrl":%q,"MessageBody":"a","MessageGroupId":"g","MessageDeduplicationId":"d"}`, url))
				post(srv, "ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q}`, url))
			}
			if w := post(srv, action, body); !json.Valid(w.Body.Bytes()) {
				t.Errorf("answer to %s %q is %q", action, body, w.Body)
			}
		})
	})
}

func post(srv *sqslocal.Server, action, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	return w
}

// BenchmarkReceiveDelete measures messages received and deleted in batches of ten by the SDK's client over loopback, server and
// client in one process.
func BenchmarkReceiveDelete(b *testing.B) {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	url, err := srv.CreateQueue("calls", nil)
	wantNil(b, err)
	client := srv.Client()
	fill(b, client, url, b.N)
	b.ResetTimer()
	var pollers sync.WaitGroup
	for range 16 {
		pollers.Go(func() {
			for drain(b, client, url) > 0 { //nolint:revive // until nothing is left
			}
		})
	}
	pollers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	if d := srv.Depth("calls"); d != (sqslocal.Depth{}) {
		b.Errorf("left over: %+v", d)
	}
}

// fill puts n messages of a kilobyte into the queue.
func fill(b *testing.B, client *sqs.Client, url string, n int) {
	body := aws.String(strings.Repeat("x", 1024))
	for n > 0 {
		in := &sqs.SendMessageBatchInput{QueueUrl: &url}
		for len(in.Entries) < min(n, 10) {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(len(in.Entries))), MessageBody: body})
		}
		if _, err := client.SendMessageBatch(b.Context(), in); err != nil {
			b.Fatal(err)
		}
		n -= len(in.Entries)
	}
}

// drain receives and deletes one batch, and returns its size.
func drain(b *testing.B, client *sqs.Client, url string) int {
	out, err := client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		b.Error(err)
		return 0
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
	for _, m := range out.Messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	if len(in.Entries) > 0 {
		if _, err := client.DeleteMessageBatch(b.Context(), in); err != nil {
			b.Error(err)
		}
	}
	return len(in.Entries)
}
