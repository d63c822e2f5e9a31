package soak_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A process is a running worker. Its standard input stays open while the test lives, so
// that a worker can exit when it becomes an orphan.
type process struct {
	number int
	cmd    *exec.Cmd
	stderr bytes.Buffer
	exited chan struct{}
}

// startProcess starts a worker and waits until it handles SIGTERM.
func startProcess(config workerConfig) (*process, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	p := &process{number: config.Number, cmd: exec.Command(os.Args[0]), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), configVariable+"="+string(text), "GORACE=halt_on_error=1")
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	go p.reap(in)
	if err != nil {
		p.cmd.Process.Kill()
		<-p.exited
		return nil, fmt.Errorf("a worker did not start: %w: %s", err, p.describe())
	}
	return p, nil
}

func (p *process) reap(in io.Closer) {
	defer close(p.exited)
	p.cmd.Wait() // ProcessState holds its result
	in.Close()
}

// wait returns after d, or earlier if ctx ends or the process exits.
func (p *process) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-p.exited:
	}
}

// describe returns how the process exited, and its standard error.
func (p *process) describe() string { return fmt.Sprintf("%v\n%s", p.cmd.ProcessState, &p.stderr) }
