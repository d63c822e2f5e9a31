package bench_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

const secret = "a secret"

// A server is the server process.
type server struct {
	tb      testing.TB
	queues  string // URL of the queue's server
	service string // URL of the other service, which also forwards to the queue's server
	client  *sqs.Client
	body    string // of an event of about 1 KB, but for its id
}

func startServer(tb testing.TB) *server {
	tb.Helper()
	onlyOnLinux(tb)
	cmd := exec.Command(os.Args[0]) // no CommandContext: tb's context ends before the clean-up does
	cmd.Env = append(os.Environ(), roleVariable+"="+serverRole)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close() // which ends it
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			tb.Errorf("server: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{tb: tb, body: sampleBody(tb)}
	s.queues, s.service, _ = strings.Cut(strings.TrimSpace(line), " ")
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	tb.Cleanup(transport.CloseIdleConnections)
	s.client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &s.queues, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return s
}

// sampleBody returns a call:end event as a PBX sends it.
func sampleBody(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("../../../../events/testdata/call-end.json")
	if err != nil {
		tb.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		tb.Fatal(err)
	}
	return compact.String()
}

// get asks the service for v.
func (s *server) get(path string, v any) {
	s.tb.Helper()
	res, err := http.Get(s.service + path)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		s.tb.Fatal(err)
	}
}

// calls returns how many calls consumers have made so far, the SDK's retries included.
func (s *server) calls() (sum int) {
	s.tb.Helper()
	var calls map[string]int
	s.get("/calls", &calls)
	for _, n := range calls {
		sum += n
	}
	return sum
}

// A queue is one of a server.
type queue struct {
	*server
	tb       testing.TB
	url      string
	endpoint string // of its consumers

	consumers []*process
}

// newQueue creates a queue for a run, since polls of the last run may still receive from the
// one before. It is deleted by remove.
func (s *server) newQueue(tb testing.TB) *queue {
	tb.Helper()
	out, err := s.client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("calls-" + strconv.FormatInt(time.Now().UnixNano(), 10))})
	if err != nil {
		tb.Fatal(err)
	}
	return &queue{server: s, tb: tb, url: *out.QueueUrl, endpoint: s.queues}
}

func (q *queue) remove() {
	if _, err := q.client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		q.tb.Error(err)
	}
}

// stuckAfter is how long nothing may happen to a queue that is not empty. The messages of an
// answer that was lost are received again a minute later.
const stuckAfter = 90 * time.Second

// await waits until a full queue of so many messages is empty, but for those that may be left.
func (q *queue) await(messages, left int) (d drain) {
	q.tb.Helper()
	query := url.Values{"queue": {path.Base(q.url)}, "messages": {strconv.Itoa(messages)}, "left": {strconv.Itoa(left)}}
	var depth sqslocal.Depth
	changed := time.Now()
	for d.All == 0 {
		var next drain
		q.get("/await?"+query.Encode(), &next)
		d = drain{First: cmp.Or(d.First, next.First), Most: cmp.Or(d.Most, next.Most), All: next.All}
		for _, p := range q.consumers {
			p.memory("VmRSS") // which fails if the process has exited
		}
		if now := q.depth(); now != depth {
			depth, changed = now, time.Now()
		}
		if d.All == 0 && time.Since(changed) > stuckAfter {
			q.fail("%+v for %s, want %d left", depth, stuckAfter, left)
		}
	}
	return d
}

// awaitWaiting waits until no more than so many messages wait to be received.
func (q *queue) awaitWaiting(messages int) {
	q.tb.Helper()
	for range 60_000 {
		if q.depth().Visible <= messages {
			return
		}
		time.Sleep(time.Millisecond)
	}
	q.fail("%+v after a minute, want %d visible", q.depth(), messages)
}

func (q *queue) depth() (d sqslocal.Depth) {
	q.tb.Helper()
	q.get("/depth?queue="+path.Base(q.url), &d)
	return d
}

// fail fails the test with what the consumers have logged.
func (q *queue) fail(format string, args ...any) {
	q.tb.Helper()
	text := fmt.Sprintf(format, args...)
	for _, p := range q.consumers {
		p.cmd.Process.Kill()
		text += fmt.Sprintf("\n%s: %v\n%s", p.cmd, p.cmd.Wait(), &p.stderr)
	}
	q.tb.Fatal(text)
}

// A batch is messages to be sent.
type batch struct {
	messages  int
	eventType string // call:end if empty
	size      int    // of a body, or 0 for that of the sample
}

// fill sends messages.
func (q *queue) fill(b batch) {
	q.tb.Helper()
	body := strings.Replace(q.body, `"call:end"`, strconv.Quote(b.eventType), min(1, len(b.eventType)))
	if b.size > len(body) {
		body = strings.TrimSuffix(body, "}") + `,"padding":"`
		body += strings.Repeat("x", b.size-len(body)-2) + `"}`
	}
	var sending sync.WaitGroup
	var sent atomic.Int64
	most := min(sqscall.MaxBatch, events.MaxSize/len(body))
	for range 8 {
		sending.Go(func() {
			for !q.tb.Failed() {
				before := int(sent.Add(int64(most))) - most
				if before >= b.messages {
					return
				}
				q.send(body, min(most, b.messages-before))
			}
		})
	}
	sending.Wait()
}

// send sends up to ten messages in one call.
func (q *queue) send(body string, n int) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for i := range n {
		body := strings.Replace(body, "it_w118741_1693389850.110", strconv.FormatInt(time.Now().UnixNano(), 10), 1)
		sig := types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(signature.Sign(secret, []byte(body)))}
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: sqscall.EntryID(i), MessageBody: &body,
			MessageAttributes: map[string]types.MessageAttributeValue{sqscall.SignatureAttribute: sig},
		})
	}
	if _, err := q.client.SendMessageBatch(context.Background(), in); err != nil {
		q.tb.Error(fmt.Errorf("send: %w", err))
	}
}

var madePattern = regexp.MustCompile(`"id":"(\d{19})"`)

// madeAt returns when the event in the text was made, which is its id.
func madeAt(text []byte) time.Time {
	m := madePattern.FindSubmatch(text)
	if m == nil {
		return time.Time{}
	}
	nanoseconds, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
