package webhook_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	benchConnections = 64
	benchRequests    = 100_000 // per run at full speed
	pacedRate        = 3_000   // per second
	pacedFor         = 10 * time.Second
)

// BenchmarkDirect measures how many requests per second a receiver answers, with the
// client on the same machine.
func BenchmarkDirect(b *testing.B) { benchFullSpeed(b, startChild(b, receiverRole)) }

// BenchmarkRelay does the same with a relay to a queue, which is a third process.
func BenchmarkRelay(b *testing.B) { benchFullSpeed(b, startChild(b, receiverRole, queueAt(b))) }

// BenchmarkDirectPaced measures how long an answer takes at a rate well below the
// capacity of the machine.
func BenchmarkDirectPaced(b *testing.B) { benchPaced(b, startChild(b, receiverRole)) }

// BenchmarkRelayPaced does the same with a relay.
func BenchmarkRelayPaced(b *testing.B) { benchPaced(b, startChild(b, receiverRole, queueAt(b))) }

func benchFullSpeed(b *testing.B, receiver *child) {
	for b.Loop() {
		load(b, receiver.answer, benchRequests, 0)
	}
	receiver.stop()
	b.ReportMetric(float64(receiver.cpu().Microseconds())/float64(b.N*benchRequests), "cpu-us/req")
}

func benchPaced(b *testing.B, receiver *child) {
	const n = int(pacedRate * pacedFor / time.Second)
	for b.Loop() {
		load(b, receiver.answer, n, time.Second/pacedRate)
	}
}

func report(b *testing.B, took []time.Duration, all time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/all.Seconds(), "req/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// load posts n events over benchConnections connections, one at a time on each, and
// reports how long they took. With a gap, an event is due every gap, and its time is
// measured from when it was due: a slow answer also counts for the events that it
// delays.
func load(b *testing.B, addr string, n int, gap time.Duration) {
	b.Helper()
	requests := benchEvents(b, n)
	took := make([]time.Duration, n)
	start := time.Now()
	var sending sync.WaitGroup
	for c := range benchConnections {
		conn, err := net.Dial("tcp", addr)
		fatal(b, err)
		sending.Go(func() {
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for i := c; i < n; i += benchConnections {
				due := time.Now()
				if gap > 0 {
					due = start.Add(time.Duration(i) * gap)
					time.Sleep(time.Until(due))
				}
				if err := exchangeOne(conn, answers, requests[i]); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(due)
			}
		})
	}
	sending.Wait()
	if b.Failed() {
		b.FailNow()
	}
	report(b, took, time.Since(start))
}

// exchangeOne writes a request and reads an answer, which must have no body.
func exchangeOne(conn net.Conn, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	status, err := answers.ReadString('\n')
	if err != nil || !strings.HasPrefix(status, "HTTP/1.1 204 ") {
		return fmt.Errorf("answer %q, error %v", status, err)
	}
	for {
		line, err := answers.ReadSlice('\n')
		if err != nil || len(line) == len("\r\n") {
			return err
		}
	}
}

// benchEvents returns n requests as a PBX sends them, each with an event of its own.
func benchEvents(b *testing.B, n int) [][]byte {
	b.Helper()
	text, err := os.ReadFile("../../events/testdata/call-end.json")
	fatal(b, err)
	var compact bytes.Buffer
	fatal(b, json.Compact(&compact, text))
	const id = "it_w118741_1693389850.110"
	before, after, found := strings.Cut(compact.String(), id)
	if !found {
		b.Fatal("the sample has a different id")
	}
	requests := make([][]byte, n)
	for i := range requests {
		body := fmt.Sprint(before, "example_1693389850.", i, after)
		requests[i] = []byte(raw("Content-Type: application/json\r\n"+signed(body), body))
	}
	return requests
}

// A child is a process of this test binary.
type child struct {
	*exec.Cmd
	stop   func()
	answer string // the first line it wrote: an address or a queue URL
}

func (c *child) cpu() time.Duration { return c.ProcessState.SystemTime() + c.ProcessState.UserTime() }

func startChild(b testing.TB, role string, args ...string) *child {
	b.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	fatal(b, err)
	out, err := cmd.StdoutPipe()
	fatal(b, err)
	fatal(b, cmd.Start())
	c := &child{Cmd: cmd, stop: sync.OnceFunc(func() {
		in.Close() // so that it exits
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Errorf("%s: %v", role, err)
		}
	})}
	b.Cleanup(c.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	fatal(b, err)
	c.answer = strings.TrimSpace(line)
	return c
}

func queueAt(b *testing.B) (queueURL string) { return startChild(b, queueRole).answer }
