package consumer_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/events"
)

// The benchmarks measure whole processes. Queue and consumer are child processes of
// the test binary (see bench_child_test.go), so that their CPU and memory are measured
// separately. The parent sends. An iteration consumes all messages:
//
//	go test -run '^$' -bench AgainstLoop -benchtime 5x ./consumer
//	go test -run '^$' -bench Observed -benchtime 5x ./consumer
//	go test -run '^$' -bench Concurrency -benchtime 1x ./consumer
//	go test -run '^$' -bench Trickle -benchtime 1x ./consumer
//	go test -run '^$' -bench Large -benchtime 1x ./consumer
var (
	benchMessages = flag.Int("messages", 50_000, "messages that a run of a benchmark consumes")
	benchProfiles = flag.String("profiles", "", "`directory` for CPU profiles of the benchmarks' worker and loop, of their last runs")
)

// BenchmarkAgainstLoop compares the worker with the plainest loop over the SDK, in
// turn. The ratio within each pair counts, since absolute figures depend on the machine
// and its load.
func BenchmarkAgainstLoop(b *testing.B) {
	q := newBenchQueue(b)
	var worker, loop []figures
	for b.Loop() {
		worker = append(worker, q.drained(task{Role: "worker", Messages: *benchMessages}))
		loop = append(loop, q.drained(task{Role: "loop", Messages: *benchMessages}))
	}
	b.ReportMetric(0, "ns/op")
	b.Log(comparison("worker", worker, "loop", loop))
}

// BenchmarkObserved compares the worker with and without metrics or traces.
func BenchmarkObserved(b *testing.B) {
	for name, watched := range map[string]task{"metrics": {Metrics: true}, "traces": {Traces: true}} {
		b.Run(name, func(b *testing.B) {
			q := newBenchQueue(b)
			watched.Role, watched.Messages = "worker", *benchMessages
			var with, without []figures
			for b.Loop() {
				with = append(with, q.drained(watched))
				without = append(without, q.drained(task{Role: "worker", Messages: *benchMessages}))
			}
			b.ReportMetric(0, "ns/op")
			b.Log(comparison("with", with, "without", without))
		})
	}
}

// BenchmarkConcurrency measures the worker with several values of Config.Concurrency,
// and with a handler that takes no time and one that waits.
func BenchmarkConcurrency(b *testing.B) {
	q := newBenchQueue(b)
	for _, handlerTime := range []time.Duration{0, 20 * time.Millisecond} {
		for _, concurrency := range []int{8, 16, 32, 64, 128, 256} {
			messages := *benchMessages
			if handlerTime > 0 {
				messages = min(messages, 200*concurrency) // four seconds
			}
			b.Run(fmt.Sprintf("handler=%s/concurrency=%d", handlerTime, concurrency), func(b *testing.B) {
				var runs []figures
				for b.Loop() {
					runs = append(runs, q.drained(task{Role: "worker", Messages: messages, Concurrency: concurrency, HandlerTime: handlerTime}))
				}
				reportMedians(b, runs)
			})
		}
	}
}

// BenchmarkTrickle sends 20 messages a second to an idle consumer, and reports how
// long each takes to its handler and how many calls it costs.
func BenchmarkTrickle(b *testing.B) {
	const gap, messages = 50 * time.Millisecond, 400
	gaps := map[string]func() time.Duration{
		"even":    func() time.Duration { return gap },
		"poisson": func() time.Duration { return time.Duration(rand.ExpFloat64() * float64(gap)) },
	}
	q := newBenchQueue(b)
	for _, spacing := range []string{"even", "poisson"} {
		for _, role := range []string{"worker", "loop"} {
			b.Run(spacing+"/"+role, func(b *testing.B) {
				var runs []figures
				for b.Loop() {
					runs = append(runs, q.trickled(task{Role: role, Messages: messages, Latencies: true}, gaps[spacing]))
				}
				reportMedians(b, runs)
			})
		}
	}
}

// BenchmarkLarge measures the memory that the largest messages need when every worker
// has one.
func BenchmarkLarge(b *testing.B) {
	q := newBenchQueue(b)
	const size = events.MaxSize - 200 // which leaves room for the signature, and a longer id
	q.body = strings.TrimSuffix(q.body, "}") + `,"padding":"`
	q.body += strings.Repeat("x", size-len(q.body)-2) + `"}`
	for _, concurrency := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			var runs []figures
			for b.Loop() {
				runs = append(runs, q.drained(task{Role: "worker", Messages: 4 * concurrency, Concurrency: concurrency, HandlerTime: time.Second}))
			}
			reportMedians(b, runs)
		})
	}
}

// measures are the figures that are reported of a run.
var measures = []struct {
	unit string
	of   func(figures) float64
}{
	{"msg/s", func(f figures) float64 { return float64(f.Messages) / f.Took.Seconds() }},
	{"CPU-µs/msg", func(f figures) float64 { return float64(f.cpu.Microseconds()) / float64(f.Messages) }},
	{"calls/msg", func(f figures) float64 { return float64(f.Calls) / float64(f.Messages) }},
	{"peak-RSS-MiB", func(f figures) float64 { return float64(f.PeakRSS) / (1 << 20) }},
	{"RSS-MiB", func(f figures) float64 { return float64(f.RSS) / (1 << 20) }},
}

func reportMedians(b *testing.B, runs []figures) {
	b.ReportMetric(0, "ns/op")
	for _, m := range measures {
		b.ReportMetric(median(each(runs, m.of)), m.unit)
	}
	if latencies := slices.Concat(each(runs, func(f figures) []time.Duration { return f.Latencies })...); len(latencies) > 0 {
		slices.Sort(latencies)
		b.ReportMetric(latencies[len(latencies)/2].Seconds()*1e3, "p50-ms")
		b.ReportMetric(latencies[len(latencies)*99/100].Seconds()*1e3, "p99-ms")
	}
}

// comparison is a table of medians, with the spread of the ratios one/other.
func comparison(oneName string, one []figures, otherName string, other []figures) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "median of %d\t%s\t%s\t%[2]s/%[3]s\tmin\tmax\t\n", len(one), oneName, otherName)
	for _, m := range measures {
		ratios := make([]float64, len(one))
		for i := range ratios {
			ratios[i] = m.of(one[i]) / m.of(other[i])
		}
		fmt.Fprintf(w, "%s\t%.4g\t%.4g\t%.2f\t%.2f\t%.2f\t\n", m.unit, median(each(one, m.of)), median(each(other, m.of)),
			median(ratios), slices.Min(ratios), slices.Max(ratios))
	}
	w.Flush()
	return "\n" + text.String()
}

func each[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = f(a)
	}
	return out
}

func median[T cmp.Ordered](list []T) T {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

// benchQueue is a queue in a separate process, and the sender.
type benchQueue struct {
	b        *testing.B
	endpoint string
	url      string // of the queue of this run
	client   *sqs.Client
	body     string // of every event, but for its id
}

func newBenchQueue(b *testing.B) *benchQueue {
	b.Helper()
	endpoint := startServer(b)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	b.Cleanup(transport.CloseIdleConnections)
	client := newBenchClient(endpoint, &http.Client{Transport: transport})
	return &benchQueue{b: b, endpoint: endpoint, client: client, body: sampleBody(b)}
}

// renew creates a queue for the next run, since polls of the last run may still
// receive from the old one.
func (q *benchQueue) renew() {
	q.b.Helper()
	if q.url != "" {
		if _, err := q.client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
			q.b.Fatal(err)
		}
	}
	name := "calls-" + strconv.FormatInt(time.Now().UnixNano(), 10)
	out, err := q.client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		q.b.Fatal(err)
	}
	q.url = *out.QueueUrl
}

// sampleBody returns a call:end event as a PBX sends it, about 1 KB.
func sampleBody(b *testing.B) string {
	b.Helper()
	text, err := os.ReadFile("../events/testdata/call-end.json")
	if err != nil {
		b.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		b.Fatal(err)
	}
	return compact.String()
}

// event returns a new body. Its id is the time when it was made.
func (q *benchQueue) event() string {
	return strings.Replace(q.body, "it_w118741_1693389850.110", strconv.FormatInt(time.Now().UnixNano(), 10), 1)
}

// drained fills the queue and has the task consume it.
func (q *benchQueue) drained(t task) figures {
	q.b.Helper()
	q.renew()
	q.fill(t.Messages)
	return q.start(t)()
}

// trickled has the task consume what comes in with the gaps.
func (q *benchQueue) trickled(t task, gap func() time.Duration) figures {
	q.b.Helper()
	q.renew()
	result := q.start(t)
	next := time.Now().Add(2 * time.Second) // the consumer waits on the empty queue by then
	var sending sync.WaitGroup
	for range t.Messages {
		time.Sleep(time.Until(next))
		next = next.Add(gap())
		sending.Go(func() { q.send(1) })
	}
	sending.Wait()
	return result()
}

// fill sends n messages.
func (q *benchQueue) fill(n int) {
	var sending sync.WaitGroup
	var sent atomic.Int64
	batch := min(maxEntries, events.MaxSize/len(q.body))
	for range 8 {
		sending.Go(func() {
			for !q.b.Failed() {
				before := int(sent.Add(int64(batch))) - batch
				if before >= n {
					return
				}
				q.send(min(batch, n-before))
			}
		})
	}
	sending.Wait()
}

const maxEntries = 10 // of a batch call; together they are as large as one may be

// send sends up to ten messages in one call.
func (q *benchQueue) send(n int) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for i := range n {
		body := q.event()
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &body, MessageAttributes: signed(body),
		})
	}
	if _, err := q.client.SendMessageBatch(context.Background(), in); err != nil {
		q.b.Error(err)
	}
}

// start starts the task in a child, and returns a function that waits for its figures.
func (q *benchQueue) start(t task) func() figures {
	q.b.Helper()
	t.Endpoint, t.QueueURL = q.endpoint, q.url
	if *benchProfiles != "" {
		t.Profile = filepath.Join(*benchProfiles, t.Role+".prof")
	}
	var out bytes.Buffer
	cmd := child(q.b, t)
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		q.b.Fatal(err)
	}
	return func() (f figures) {
		q.b.Helper()
		if err := cmd.Wait(); err != nil {
			q.b.Fatalf("%s: %v", t.Role, err)
		}
		if err := json.Unmarshal(out.Bytes(), &f); err != nil {
			q.b.Fatalf("%s: %v", t.Role, err)
		}
		f.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return f
	}
}

// startServer starts the queue's process and returns its address.
func startServer(b *testing.B) string {
	b.Helper()
	cmd := child(b, task{Role: "server"})
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close() // which ends it
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Errorf("server: %v", err)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// child returns a command that runs this program again, for the task.
func child(b *testing.B, t task) *exec.Cmd {
	b.Helper()
	text, err := json.Marshal(t)
	if err != nil {
		b.Fatal(err)
	}
	// No CommandContext: b's context ends before the clean-up does.
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), taskVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	return cmd
}
