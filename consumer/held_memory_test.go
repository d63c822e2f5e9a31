package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/events/once"
	"wildix-worker/events/route"
	"wildix-worker/signature"
)

const (
	heldMessages = 5_000
	// A message of these tests: what must be kept of it while it is held. A receipt handle of
	// AWS has about as many bytes.
	heldBody, heldHandle, heldID = 1024, 412, 36
)

// madeUp is an SQS that makes up each message when it is received and keeps nothing of it, so
// that what a test measures is what the consumer keeps.
type madeUp struct{ left atomic.Int64 }

// Do answers a call of the SDK.
func (q *madeUp) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		MaxNumberOfMessages int
		Entries             []types.DeleteMessageBatchRequestEntry
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	out := map[string]any{"Successful": in.Entries}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") {
		out = map[string]any{"Messages": q.receive(r.Context(), in.MaxNumberOfMessages)}
	}
	answer, err := json.Marshal(out)
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(bytes.NewReader(answer)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
	}, err
}

func (q *madeUp) receive(ctx context.Context, limit int) (messages []any) {
	for len(messages) < limit {
		n := q.left.Add(-1)
		if n < 0 {
			break
		}
		messages = append(messages, madeUpMessage(n))
	}
	if len(messages) == 0 {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second):
		}
	}
	return messages
}

// madeUpMessage returns a message whose numbers and texts differ from those of the others.
func madeUpMessage(n int64) any {
	const format = `{"id":"it_w118741_1693389850.%d","type":"call:end","pbx":"221100001bab","company":"it_w118741","time":%d,` +
		`"integrationId":"8qkmnq","data":{"status":"COMPLETED","caller":{"type":"REMOTE","phone":"+1555%07d","name":null,` +
		`"company":"Example Ltd"},"callee":{"type":"LOCAL","phone":"10020","name":"Bo Example","email":"bo@example.com",` +
		`"userId":"5753746","userExtension":"10020","userDepartment":"Sales","groupId":"874629312","groupName":"Default"},` +
		`"service":"ivr","destination":"10020","trunkName":"Main trunk","queueName":"Support","tags":["vip","callback"],` +
		`"endCause":"16","endBy":"CALLER"},"padding":"`
	body := fmt.Sprintf(format, n, 1693389853611+n, n)
	body += strings.Repeat("x", heldBody-len(body)-len(`"}`)) + `"}`
	return map[string]any{
		"MessageId": fmt.Sprintf("%0*d", heldID, n), "ReceiptHandle": fmt.Sprintf("%0*d", heldHandle, n), "Body": body,
		"Attributes": map[string]string{"SentTimestamp": "1693389853611", "ApproximateReceiveCount": "1"},
		"MessageAttributes": map[string]any{
			"X-SIGNATURE": map[string]string{"DataType": "String", "StringValue": signature.Sign(secret, []byte(body))},
		},
	}
}

// stateless is a state of calls that keeps nothing.
type stateless struct{}

func (stateless) Merge(_ context.Context, c finish.Call) (finish.Call, error) { return c, nil }

// destinations returns a router to destinations, each with the middleware once. Those whose
// error is not nil are down.
func destinations(t *testing.T, errs map[string]error) *route.Router {
	t.Helper()
	var cfg route.Config
	for name, err := range errs {
		middleware, invalid := once.New(once.Config{Name: name, Keys: 1})
		if invalid != nil {
			t.Fatal(invalid)
		}
		handler := events.HandlerFunc(func(context.Context, *events.Event) error { return err })
		cfg.Destinations = append(cfg.Destinations, route.Destination{Name: name, Handler: middleware(handler)})
	}
	router, err := route.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// TestHeldMessagesAreSmall pins how much memory a held message takes beyond its body, receipt
// handle and id.
func TestHeldMessagesAreSmall(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector keeps variables of idle goroutines alive")
	}
	for name, test := range map[string]struct {
		destinations map[string]error
		wholeCalls   bool
		bound        int
	}{
		"one destination":                {map[string]error{"crm": errDown}, false, 435},
		"one of three is down":           {map[string]error{"crm": errDown, "log": nil, "store": nil}, false, 645},
		"one destination of whole calls": {map[string]error{"crm": errDown}, true, 4100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				router := destinations(t, test.destinations)
				var handler events.Handler = router
				if test.wholeCalls {
					whole, err := finish.New(finish.Config{Next: router, State: stateless{}})
					if err != nil {
						t.Fatal(err)
					}
					handler = whole
				}
				if each := heldMemory(t, router, handler); each > test.bound {
					t.Errorf("%d bytes beyond body, receipt handle and id, want at most %d", each, test.bound)
				} else {
					t.Logf("%d bytes beyond body, receipt handle and id", each)
				}
			})
		})
	}
}

// heldMemory has a consumer hold messages, and returns how many bytes each takes beyond what
// must be kept of it.
func heldMemory(t *testing.T, router *route.Router, handler events.Handler) int {
	t.Helper()
	q := &madeUp{}
	client := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: q,
		Credentials: credentials.NewStaticCredentialsProvider("made", "up", ""),
	})
	s := &site{t: t, url: "http://localhost/000000000000/calls"}
	s.run(client, consumer.Config{
		QueueURL: s.url, Keys: keyring(t, key), Handler: handler, Concurrency: 2 * router.Concurrency(), Blocked: router.Blocked,
	})
	time.Sleep(time.Minute)
	before := heap()
	q.left.Store(heldMessages)
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	size := heap() - before
	if held := s.consumer.Stats().Held; held != heldMessages {
		t.Errorf("%d messages are held, want %d", held, heldMessages)
	}
	return size/heldMessages - heldBody - heldHandle - heldID
}

// heap returns the bytes that are in use.
func heap() int {
	for range 3 { // what finalizers, pools and weak pointers keep takes more than one
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
