package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a consumer of a queue.
type process struct {
	tb     testing.TB
	cmd    *exec.Cmd
	stdout io.Reader // nil if it is discarded
	stderr bytes.Buffer
}

// environment is what all processes get, and nothing else of this one's.
func environment(dir string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "STATE_DIRECTORY=" + dir,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true",
	}
}

// A command is how a consumer is started.
type command struct {
	name        string
	config      string // configuration file; none if empty
	environment []string
	reads       bool // the test reads standard output; otherwise it is discarded
}

var (
	program = command{name: "program"}
	loop    = command{name: "loop"}
)

// start starts the command on a queue.
func (q *queue) start(c command) *process {
	q.tb.Helper()
	dir := q.tb.TempDir()
	p := &process{tb: q.tb}
	if c.name == loop.name {
		p.cmd = exec.Command(os.Args[0])
		p.cmd.Env = append(environment(dir), roleVariable+"="+loopRole)
	} else {
		path, err := built()
		if err != nil {
			q.tb.Fatal(err)
		}
		p.cmd = exec.Command(path, "run")
		p.cmd.Env = append(environment(dir), "WILDIX_SECRET="+secret, "WILDIX_ADMIN_ADDR=127.0.0.1:0")
	}
	if c.config != "" {
		path := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(path, []byte(c.config), 0o600); err != nil {
			q.tb.Fatal(err)
		}
		p.cmd.Args = append(p.cmd.Args, "--config", path)
	}
	p.cmd.Env = append(p.cmd.Env, "WILDIX_QUEUE_URL="+q.url, "AWS_ENDPOINT_URL="+q.endpoint)
	p.cmd.Env = append(p.cmd.Env, c.environment...)
	p.cmd.Stderr = &p.stderr
	if c.reads {
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			q.tb.Fatal(err)
		}
		p.stdout = out
	}
	if err := p.cmd.Start(); err != nil {
		q.tb.Fatal(err)
	}
	q.consumers = append(q.consumers, p)
	return p
}

// stop stops the process as a service manager does, and checks that it drained.
func (p *process) stop() {
	p.tb.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if p.stdout != nil {
		io.Copy(io.Discard, p.stdout)
	}
	if err := p.cmd.Wait(); err != nil {
		p.tb.Fatalf("%v\n%s", err, &p.stderr)
	}
}

// lines calls each for every line of standard output, until it returns false.
func (p *process) lines(each func(line []byte) bool) {
	p.tb.Helper()
	lines := bufio.NewScanner(p.stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !each(lines.Bytes()) {
			return
		}
	}
	p.tb.Fatalf("the process has closed its output: %v\n%s", lines.Err(), &p.stderr)
}

// cpu returns the time, user and system, that the process has run on a CPU so far. It is the
// sum of its threads, which Go keeps; /proc/PID/stat would count in hundredths of a second.
func (p *process) cpu() (sum time.Duration) {
	p.tb.Helper()
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(paths) == 0 {
		p.tb.Fatalf("no CPU time of process %d: %v", p.cmd.Process.Pid, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			p.tb.Fatal(err)
		}
		onCPU, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(onCPU, 10, 64)
		if err != nil {
			p.tb.Fatal(err)
		}
		sum += time.Duration(nanoseconds)
	}
	return sum
}

// memory returns a size of /proc/PID/status in bytes: VmHWM is the peak RSS, VmRSS that of now.
func (p *process) memory(name string) int {
	p.tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)) // also of one that has exited, until Wait
	if err != nil {
		p.tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				p.tb.Fatal(err)
			}
			return kib << 10
		}
	}
	p.cmd.Process.Kill()
	p.tb.Fatalf("no %s of %s: %v\n%s", name, p.cmd, p.cmd.Wait(), &p.stderr)
	return 0
}
