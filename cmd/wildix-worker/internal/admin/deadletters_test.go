package admin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/signature"
)

// letters is an admin address with a console, a queue on the embedded server, and its
// dead-letter queue.
type letters struct {
	srv         *sqslocal.Server
	client      *sqs.Client
	queue, dead string // names
	queueURL    string
	keys        *signature.Keyring
	find        func(context.Context) (*deadletter.Queue, error)
	url         string // of the admin address
	shown       string // of the last redrive
	log         *observer.ObservedLogs
	stop        func()
}

// newLetters returns a queue with that many dead letters, of which the first is rejected.
func newLetters(t *testing.T, count int, change ...func(*Admin)) *letters {
	t.Helper()
	t.Parallel()
	srv := sqslocal.New(sqslocal.Options{})
	fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	l := &letters{srv: srv, client: srv.Client(), queue: "calls-" + rand.Text(), dead: "dead-" + rand.Text()}
	_, err := srv.CreateQueue(l.dead, nil)
	fatal(t, err)
	l.queueURL, err = srv.CreateQueue(l.queue, map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":"1"}`, l.dead), "VisibilityTimeout": "0",
	})
	fatal(t, err)
	l.send(t, count)
	l.keys, err = signature.NewKeyring(signature.Key{Secret: "s3cret"})
	fatal(t, err)
	core, logs := observer.New(zap.InfoLevel)
	l.log = logs
	a := New("test")
	l.find = func(ctx context.Context) (*deadletter.Queue, error) {
		return deadletter.Find(ctx, l.client, l.queueURL, l.keys, func(text string) { t.Error(text) })
	}
	a.DeadLetters = l.find
	for _, f := range change {
		f(a)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	l.url = "http://" + listener.Addr().String()
	l.stop = a.ServeOn(listener, zap.New(core))
	t.Cleanup(func() { l.stop() })
	return l
}

// send sends messages, and waits until they are dead letters.
func (l *letters) send(t *testing.T, count int) {
	t.Helper()
	var messages []outgoing.Message
	for i := range count {
		defect := ""
		if i == 0 {
			defect = outgoing.Tampered
		}
		body := fmt.Appendf(nil, `{"id":"call-%d of +12025550142","type":"call:end","time":1693389850810}`, i)
		messages = append(messages, outgoing.Sign("s3cret", "call:end", "a", body, defect))
	}
	_, err := outgoing.Send(t.Context(), l.client, l.queueURL, messages)
	fatal(t, err)
	for l.srv.Depth(l.dead).Visible < count {
		_, err := l.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &l.queueURL, MaxNumberOfMessages: 10})
		fatal(t, err)
	}
}

// request makes a request as the page does, and returns the status and the body.
func (l *letters) request(t *testing.T, path, body string, change ...func(*http.Request)) (status int, answer string) {
	t.Helper()
	req := l.newRequest(t, path, body)
	for _, f := range change {
		f(req)
	}
	resp, err := http.DefaultClient.Do(req)
	fatal(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fatal(t, err)
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func (l *letters) newRequest(t *testing.T, path, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url+path, strings.NewReader(body))
	fatal(t, err)
	req.Header.Set("Wildix-Console", "1")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", l.url)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

const (
	listPath    = "/console/dead-letters"
	redrivePath = "/console/dead-letters/redrive"
)

// listed is an answer to a request to list dead letters.
type listed struct {
	Visible int
	Letters []struct {
		MessageID                 string
		SentAt                    int64
		Receives                  int
		Type, ID, Verdict, Reason string
	}
	Warning string
}

func (l *letters) list(t *testing.T) (list listed) {
	t.Helper()
	status, answer := l.request(t, listPath, "{}")
	if status != 200 {
		t.Fatalf("%d: %s", status, answer)
	}
	fatal(t, json.Unmarshal([]byte(answer), &list))
	return list
}

// redriven returns what the page shows of the redrive when that has ended.
func (l *letters) redriven(t *testing.T) (text string, failed bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url+"/console/events", nil)
	fatal(t, err)
	resp, err := http.DefaultClient.Do(req)
	fatal(t, err)
	defer resp.Body.Close()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadBytes('\n')
		fatal(t, err)
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		var f struct {
			Redrive *struct {
				Running, Failed bool
				Text            string
			}
		}
		fatal(t, json.Unmarshal(data, &f))
		if f.Redrive != nil && !f.Redrive.Running && f.Redrive.Text != l.shown { // not that of the redrive before
			l.shown = f.Redrive.Text
			return f.Redrive.Text, f.Redrive.Failed
		}
	}
}

func TestDeadLettersAreListedAndStay(t *testing.T) {
	l := newLetters(t, 3)
	for receives := 2; receives < 4; receives++ { // listing counts as a receive
		list := l.list(t)
		if list.Visible != 3 || len(list.Letters) != 3 || list.Warning != "" {
			t.Fatalf("%+v", list)
		}
		verdicts := map[string]int{}
		for _, row := range list.Letters {
			verdicts[strings.TrimSpace(fmt.Sprint(row.Verdict, " ", row.Reason, " ", row.Type))]++
			if row.Receives != receives || time.Since(time.UnixMilli(row.SentAt)) > time.Hour || len(row.MessageID) != 36 {
				t.Errorf("%+v", row)
			}
			if valid := row.Verdict == "valid"; valid != strings.HasPrefix(row.ID, "call-") {
				t.Errorf("%+v", row)
			}
		}
		if want := map[string]int{"valid  call:end": 2, "rejected signature mismatch": 1}; !maps.Equal(verdicts, want) {
			t.Errorf("%v", verdicts)
		}
		if depth := l.srv.Depth(l.dead); depth.Visible != 3 {
			t.Errorf("afterwards the queue has %+v", depth)
		}
	}
	lines := l.log.FilterMessage("dead letters listed on the console").All()
	if len(lines) != 2 || lines[0].ContextMap()["messages"] != int64(3) || !strings.HasPrefix(fmt.Sprint(lines[0].ContextMap()["remote"]), "127.0.0.1:") {
		t.Errorf("logged %+v", lines)
	}
}

func TestAllDeadLettersAreRedriven(t *testing.T) {
	l := newLetters(t, 12)
	status, answer := l.request(t, redrivePath, `{"all":true}`)
	if status != 200 {
		t.Fatalf("%d: %s", status, answer)
	}
	if text, failed := l.redriven(t); text != "Moved 12 messages." || failed {
		t.Errorf("shown %q, failed %t", text, failed)
	}
	if moved, left := l.srv.Depth(l.queue), l.srv.Depth(l.dead); moved.Visible != 12 || left.Visible+left.InFlight != 0 {
		t.Errorf("the queue has %+v, the dead-letter queue %+v", moved, left)
	}
	for message, field := range map[string]string{"redrive of all dead letters": "messages", "redrive of dead letters has ended": "moved"} {
		lines := l.log.FilterMessage(message).All()
		if len(lines) != 1 || lines[0].ContextMap()[field] != int64(12) || !strings.HasPrefix(fmt.Sprint(lines[0].ContextMap()["remote"]), "127.0.0.1:") {
			t.Errorf("%s: logged %+v", message, lines)
		}
	}
}

// A chosen message arrives as it was, so that its signature is still right.
func TestChosenDeadLettersAreRedriven(t *testing.T) {
	l := newLetters(t, 12)
	var chosen []string
	for _, row := range l.list(t).Letters {
		if row.Verdict == "valid" && len(chosen) < 2 {
			chosen = append(chosen, row.MessageID)
		}
	}
	body, err := json.Marshal(map[string]any{"ids": chosen})
	fatal(t, err)
	if status, answer := l.request(t, redrivePath, string(body)); status != 200 {
		t.Fatalf("%d: %s", status, answer)
	}
	if text, failed := l.redriven(t); text != "Moved 2 messages." || failed {
		t.Errorf("shown %q, failed %t", text, failed)
	}
	if moved, left := l.srv.Depth(l.queue), l.srv.Depth(l.dead); moved.Visible != 2 || left.Visible != 10 || left.InFlight != 0 {
		t.Errorf("the queue has %+v, the dead-letter queue %+v", moved, left)
	}
	moved := 0
	for moved < 2 {
		out, err := l.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &l.queueURL, MessageAttributeNames: []string{"All"}, MaxNumberOfMessages: 10})
		fatal(t, err)
		for i := range out.Messages {
			if verdict := deadletter.Inspect(l.keys, &out.Messages[i]); verdict.Result != deadletter.Valid {
				t.Errorf("moved, a message is %s", verdict)
			}
		}
		moved += len(out.Messages)
	}
}

// Nobody but the page itself, or a program with the same header, may list or redrive.
func TestRequestsOfOtherSitesDoNothing(t *testing.T) {
	l := newLetters(t, 1)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	without := func(names ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, name := range names {
				r.Header.Del(name)
			}
		}
	}
	before := l.calls()
	for what, test := range map[string]struct {
		status int
		change func(*http.Request)
	}{
		"a page of another site":         {403, header("Sec-Fetch-Site", "cross-site")},
		"another port of this machine":   {403, header("Sec-Fetch-Site", "same-site")},
		"an old browser at another site": {403, func(r *http.Request) { without("Sec-Fetch-Site")(r); header("Origin", "http://evil.example.com")(r) }},
		"a page without an origin":       {403, func(r *http.Request) { without("Sec-Fetch-Site")(r); header("Origin", "null")(r) }},
		"a name that points here":        {421, func(r *http.Request) { r.Host = "rebound.example.com" }},
		"a proxy that changes the host":  {403, header("Origin", "https://worker.example.com")},
		"without the header":             {403, without("Wildix-Console")},
		"a form":                         {415, header("Content-Type", "application/x-www-form-urlencoded")},
		"a form that says text":          {415, header("Content-Type", "text/plain")},
		"a GET":                          {405, func(r *http.Request) { r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0 }},
		"a PUT":                          {405, func(r *http.Request) { r.Method = http.MethodPut }},
		"a GET that a page of another makes": {405, func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0
			header("Sec-Fetch-Site", "cross-site")(r)
		}},
	} {
		for path, body := range map[string]string{listPath: "{}", redrivePath: `{"all":true}`} {
			if status, answer := l.request(t, path, body, test.change); status != test.status {
				t.Errorf("%s: %s: %d: %s, want %d", what, path, status, answer, test.status)
			}
		}
	}
	for _, body := range []string{"", "{", "[]", `{}`, `{"all":true,"ids":["1"]}`, `{"all":true,"to":"elsewhere"}`, `{"ids":[` + strings.Repeat(`"1",`, 50) + `"1"]}`, `{"ids":["` + strings.Repeat("1", 99_999) + `"]}`} {
		if status, answer := l.request(t, redrivePath, body); status != 400 && status != 409 {
			t.Errorf("%.50s: %d: %s", body, status, answer)
		}
	}
	if after := l.calls(); after != before || l.srv.Depth(l.dead).Visible != 1 {
		t.Errorf("%s requests to the queues, before %s", after, before)
	}
	if status, answer := l.request(t, listPath, "{}", without("Origin", "Sec-Fetch-Site")); status != 200 { // curl
		t.Errorf("%d: %s", status, answer)
	}
}

// calls returns how many requests to the queues act.
func (l *letters) calls() string {
	var counts []string
	for _, action := range []string{"GetQueueAttributes", "ReceiveMessage", "StartMessageMoveTask", "SendMessage", "DeleteMessage"} {
		counts = append(counts, fmt.Sprint(action, " ", l.srv.Calls(action)))
	}
	return strings.Join(counts, ", ")
}

// Elsewhere than on loopback, the token is needed.
func TestDeadLettersRequireTheToken(t *testing.T) {
	l := newLetters(t, 1)
	a := New("test")
	a.Token, a.DeadLetters = "a token that is long", func(context.Context) (*deadletter.Queue, error) { return nil, errors.New("was asked") }
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	fatal(t, err)
	defer a.ServeOn(listener, zap.NewNop())()
	l.url = fmt.Sprintf("http://127.0.0.1:%d", listener.Addr().(*net.TCPAddr).Port)
	for token, status := range map[string]int{"": 401, "Bearer another": 401, "a token that is long": 401, "Bearer a token that is long": 409} {
		for path, body := range map[string]string{listPath: "{}", redrivePath: `{"all":true}`} {
			got, answer := l.request(t, path, body, func(r *http.Request) { r.Header.Set("Authorization", token) })
			if got != status || (status == 409) != (answer == "was asked") {
				t.Errorf("%s with %q: %d: %s, want %d", path, token, got, answer, status)
			}
		}
	}
}

// Only the two requests act.
func TestNothingElseActs(t *testing.T) {
	l := newLetters(t, 1)
	before := l.calls()
	for _, path := range []string{"/", "/console/", "/console/events", "/console/page.js", "/console/dead-letters/", "/console/dead-letters/redrive/now", "/metrics", "/healthz", "/readyz"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			if status, answer := l.request(t, path, `{"all":true}`, func(r *http.Request) { r.Method = method }); status != 404 && status != 405 {
				t.Errorf("%s %s: %d: %s", method, path, status, answer)
			}
		}
	}
	if after := l.calls(); after != before {
		t.Errorf("%s requests to the queues, before %s", after, before)
	}
}

func TestOneRequestActsAtATime(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	l := newLetters(t, 3, func(a *Admin) {
		find := a.DeadLetters
		a.DeadLetters = func(ctx context.Context) (*deadletter.Queue, error) {
			once.Do(func() { close(arrived); <-release })
			return find(ctx)
		}
	})
	first := make(chan int)
	go func() {
		status, _ := l.request(t, listPath, "{}")
		first <- status
	}()
	<-arrived
	for path, body := range map[string]string{listPath: "{}", redrivePath: `{"all":true}`} {
		if status, answer := l.request(t, path, body); status != 409 || answer != "the dead letters are being listed; try again when that is done" {
			t.Errorf("%s: %d: %s", path, status, answer)
		}
	}
	close(release)
	if status := <-first; status != 200 || l.srv.Calls("StartMessageMoveTask") != 0 {
		t.Errorf("the first: %d, %s", status, l.calls())
	}
	l.list(t)
}

// A task that runs already is watched, and no other is started.
func TestRunningRedriveIsWatched(t *testing.T) {
	l := newLetters(t, 2)
	q, err := l.find(t.Context())
	fatal(t, err)
	_, err = q.StartTask(t.Context(), "", 1)
	fatal(t, err)
	if status, answer := l.request(t, redrivePath, `{"all":true}`); status != 200 {
		t.Fatalf("%d: %s", status, answer)
	}
	if text, failed := l.redriven(t); text != "Moved 2 messages." || failed || l.srv.Calls("StartMessageMoveTask") != 1 {
		t.Errorf("shown %q, failed %t, %s", text, failed, l.calls())
	}
}

func TestWhyDeadLettersAreNotShown(t *testing.T) {
	l := newLetters(t, 1)
	for _, test := range []struct {
		fault      sqslocal.Fault
		path, want string
	}{
		{sqslocal.Fault{Action: "ReceiveMessage", Queue: l.dead, Code: "AccessDenied"}, listPath, "not permitted: sqs:ReceiveMessage on the queue"},
		{sqslocal.Fault{Action: "GetQueueAttributes", Queue: l.dead, Code: "AccessDenied"}, listPath, "not permitted: sqs:GetQueueAttributes on the queue"},
		{sqslocal.Fault{Action: "StartMessageMoveTask", Code: "AccessDenied"}, redrivePath, "not permitted: sqs:StartMessageMoveTask on the queue"},
		{sqslocal.Fault{Action: "ListMessageMoveTasks", Code: "InvalidAction"}, redrivePath, "the server has no message move tasks"},
	} {
		remove := l.srv.Inject(test.fault)
		body := map[string]string{listPath: "{}", redrivePath: `{"all":true}`}[test.path]
		if status, answer := l.request(t, test.path, body); status != 409 || !strings.HasPrefix(answer, test.want) || strings.Contains(answer, "\n") {
			t.Errorf("%d: %q, want %q", status, answer, test.want)
		}
		remove()
	}
	_, err := l.client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &l.queueURL, Attributes: map[string]string{"RedrivePolicy": ""}})
	fatal(t, err)
	if status, answer := l.request(t, listPath, "{}"); status != 409 || !strings.HasSuffix(answer, "has no redrive policy, and so no dead-letter queue") {
		t.Errorf("%d: %q", status, answer)
	}
}

// What goes wrong while chosen messages are moved must not lose one.
func TestFailedMoveLosesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		fault       sqslocal.Fault
		shown       string
		moved, left int
	}{
		"not sent":     {sqslocal.Fault{Action: "SendMessage", Code: "AccessDenied"}, "Moved 0 messages, and then failed: not permitted: sqs:SendMessage", 0, 3},
		"not deleted":  {sqslocal.Fault{Action: "DeleteMessage", Code: "AccessDenied"}, "Moved 0 messages, and then failed: a copy of the message", 1, 3},
		"not received": {sqslocal.Fault{Action: "ReceiveMessage", Code: "AccessDenied"}, "Moved 0 messages, and then failed: not permitted: sqs:ReceiveMessage", 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLetters(t, 3)
			body := fmt.Sprintf(`{"ids":[%q,"another"]}`, l.list(t).Letters[0].MessageID)
			remove := l.srv.Inject(test.fault)
			if status, answer := l.request(t, redrivePath, body); status != 200 {
				t.Fatalf("%d: %s", status, answer)
			}
			if text, failed := l.redriven(t); !strings.HasPrefix(text, test.shown) || !failed {
				t.Errorf("shown %q, failed %t", text, failed)
			}
			if moved, left := l.srv.Depth(l.queue), l.srv.Depth(l.dead); moved.Visible != test.moved || left.Visible != test.left {
				t.Errorf("the queue has %+v, the dead-letter queue %+v", moved, left)
			}
			if n := l.log.FilterMessage("redrive of dead letters failed").Len(); n != 1 {
				t.Errorf("%d warnings", n)
			}
			remove()
			if status, answer := l.request(t, redrivePath, body); status != 200 {
				t.Fatalf("%d: %s", status, answer)
			}
			if text, _ := l.redriven(t); !strings.HasPrefix(text, "Moved 1 message, and then failed: not found: 1 message;") {
				t.Errorf("shown %q", text)
			}
		})
	}
}

// A worker that stops returns the messages that it lists, and leaves the task to SQS.
func TestStopReturnsDeadLetters(t *testing.T) {
	l := newLetters(t, 3)
	l.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Queue: l.dead, Delay: 300 * time.Millisecond})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		resp, err := http.DefaultClient.Do(l.newRequest(t, listPath, "{}"))
		if err == nil {
			resp.Body.Close()
		}
	}()
	for l.srv.Depth(l.dead).InFlight == 0 {
		time.Sleep(time.Millisecond)
	}
	l.stop()
	if depth := l.srv.Depth(l.dead); depth.Visible != 3 {
		t.Errorf("the dead-letter queue has %+v", depth)
	}
	<-ended
}

// The server's own timeouts are short, the queue may be slow.
func TestSlowListIsAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds")
	}
	l := newLetters(t, 1)
	l.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Queue: l.dead, Delay: 5500 * time.Millisecond, Count: 1})
	if list := l.list(t); len(list.Letters) != 1 {
		t.Errorf("%+v", list)
	}
}
