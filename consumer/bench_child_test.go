package consumer_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	loghandler "wildix-worker/events/handlers/log"
	"wildix-worker/signature"
)

// taskVariable is the environment variable that makes the test binary a child
// of a benchmark and holds its task.
const taskVariable = "CONSUMER_BENCH_TASK"

// A task is what a child process does.
type task struct {
	Role        string // server, worker or loop
	Endpoint    string
	QueueURL    string
	Messages    int           // to consume
	Concurrency int           // of the worker; zero for the default
	HandlerTime time.Duration // how long the worker's handler takes
	Latencies   bool          // report them
	Metrics     bool          // the worker has metrics
	Traces      bool          // the worker has a tracer, whose exporter discards spans
	Profile     string        // file for the CPU profile; none if empty
}

// figures are what a consuming child has measured, from its first request to
// the last confirmed delete.
type figures struct {
	Messages  int
	Took      time.Duration   // until 99 % were deleted; see meter.deleted
	Calls     int64           // HTTP requests, the SDK's retries included
	PeakRSS   int             // bytes; 0 if unknown
	RSS       int             // at the end
	Latencies []time.Duration // from an event's making to its handler

	cpu time.Duration // user and system, of the whole process: its parent knows
}

// doTask is a child's main function.
func doTask(text string) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	switch t.Role {
	case "server":
		return serve()
	case "worker":
		return consume(t, runWorker)
	case "loop":
		return consume(t, runLoop)
	}
	return fmt.Errorf("no role %q", t.Role)
}

// serve runs a queue server until standard input ends.
func serve() error {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		return err
	}
	fmt.Println(srv.URL())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return srv.Close()
}

// consume calls run, which consumes the task's messages, and prints the figures. Both
// consumers write one line per event to the same file.
func consume(t task, run func(ctx context.Context, m *meter, out *os.File) error) error {
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	if t.Profile != "" {
		f, err := os.Create(t.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := &meter{task: t, finished: cancel, begun: time.Now()}
	if err := run(ctx, m, out); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m.figures)
}

// runWorker consumes as the program does.
func runWorker(ctx context.Context, m *meter, out *os.File) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	m.Client = newBenchClient(m.task.Endpoint, m.counting(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
	})))
	keys, err := signature.NewKeyring(key)
	if err != nil {
		return err
	}
	logging := events.Handler(loghandler.New(out, false))
	cfg := consumer.Config{
		QueueURL:    m.task.QueueURL,
		Keys:        keys,
		Concurrency: m.task.Concurrency,
		Logger:      zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), os.Stderr, zap.WarnLevel)),
		Handler: events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			m.began(e.ID)
			time.Sleep(m.task.HandlerTime)
			return logging.HandleEvent(ctx, e)
		}),
	}
	measured := metrics.New(prometheus.NewRegistry())
	if m.task.Metrics {
		cfg.Observe, logging = measured.Observe, measured.Handler("log")(logging)
	}
	if m.task.Traces {
		cfg.Tracer = sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter())).Tracer("bench")
	}
	c, err := consumer.New(m, cfg)
	if err != nil {
		return err
	}
	if m.task.Metrics {
		measured.Consumer(c.Stats)
	}
	return c.Run(ctx)
}

// runLoop is the simplest consumer: eight pollers, each of which handles the messages
// of a receive one by one and deletes them in one call.
func runLoop(ctx context.Context, m *meter, out *os.File) error {
	m.Client = newBenchClient(m.task.Endpoint, m.counting(awshttp.NewBuildableClient()))
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(out), zap.InfoLevel))
	var pollers sync.WaitGroup
	for range 8 {
		pollers.Go(func() {
			for ctx.Err() == nil {
				if err := loopOnce(ctx, m, log); err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, "loop:", err)
					time.Sleep(time.Second)
				}
			}
		})
	}
	pollers.Wait()
	return nil
}

func loopOnce(ctx context.Context, m *meter, log *zap.Logger) error {
	received, err := m.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:              &m.task.QueueURL,
		MaxNumberOfMessages:   10,
		WaitTimeSeconds:       20,
		MessageAttributeNames: []string{"X-SIGNATURE"},
	})
	if err != nil || len(received.Messages) == 0 {
		return err
	}
	deletes := &sqs.DeleteMessageBatchInput{QueueUrl: &m.task.QueueURL}
	for i, msg := range received.Messages {
		if err := loopHandle(m, msg, log); err != nil {
			fmt.Fprintln(os.Stderr, "loop:", err)
			continue
		}
		deletes.Entries = append(deletes.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: msg.ReceiptHandle})
	}
	_, err = m.DeleteMessageBatch(ctx, deletes)
	return err
}

func loopHandle(m *meter, msg types.Message, log *zap.Logger) error {
	body := []byte(*msg.Body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	given, err := hex.DecodeString(aws.ToString(msg.MessageAttributes["X-SIGNATURE"].StringValue))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return fmt.Errorf("bad signature on %s", *msg.MessageId)
	}
	var event struct {
		ID, Type, Company, PBX, IntegrationID string
		Time                                  int64
		Data                                  struct {
			Caller, Callee struct{ Phone string }
		}
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	m.began(event.ID)
	log.Info("event",
		zap.Time("time", time.UnixMilli(event.Time).UTC()), zap.String("id", event.ID), zap.String("type", event.Type),
		zap.String("company", event.Company), zap.String("pbx", event.PBX), zap.String("integrationId", event.IntegrationID),
		zap.String("caller", event.Data.Caller.Phone), zap.String("callee", event.Data.Callee.Phone))
	return nil
}

// newBenchClient returns a client with the SDK's defaults, except for the HTTP client.
func newBenchClient(endpoint string, client sqs.HTTPClient) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   client,
	})
}

// meter is the client of a consuming child. It counts calls, and ends the run when the
// last delete is confirmed.
type meter struct {
	*sqs.Client
	task     task
	begun    time.Time
	finished func()
	calls    atomic.Int64

	mu      sync.Mutex
	figures figures
}

// counting is client with its requests counted.
func (m *meter) counting(client sqs.HTTPClient) sqs.HTTPClient {
	return clientFunc(func(r *http.Request) (*http.Response, error) {
		m.calls.Add(1)
		return client.Do(r)
	})
}

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

func (m *meter) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	out, err := m.Client.DeleteMessageBatch(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	m.deleted(len(out.Successful))
	return out, nil
}

// deleted records n deletes, and ends the run with the last one.
//
// Speed is taken from the first 99 %. On loopback, and more so on a busy
// machine, an answer can come before the SDK is ready for it and is lost; its
// messages are delivered again a visibility timeout later, which has nothing to do
// with the consumer. See package sqslocal.
func (m *meter) deleted(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := &m.figures
	f.Messages += n
	took := time.Since(m.begun)
	if most := m.task.Messages * 99 / 100; f.Messages >= most && f.Messages-n < most {
		f.Took = took
	}
	if f.Messages != m.task.Messages {
		return
	}
	if took > f.Took+10*time.Second {
		fmt.Fprintf(os.Stderr, "%s: an answer was lost on loopback, its messages took %s longer\n", m.task.Role, took-f.Took)
	}
	f.Calls = m.calls.Load()
	f.PeakRSS, f.RSS = memoryStatus("VmHWM:"), memoryStatus("VmRSS:")
	m.finished()
}

// began records that the handling of an event begins.
func (m *meter) began(id string) {
	if !m.task.Latencies {
		return
	}
	now := time.Now()
	made, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		panic(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.Latencies = append(m.figures.Latencies, now.Sub(time.Unix(0, made)))
}

// memoryStatus returns a figure of /proc/self/status, in bytes.
func memoryStatus(name string) int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kib << 10
		}
	}
	return 0
}
