package soak_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A crew is the workers of one queue.
type crew struct {
	job  job
	life time.Duration // of a worker, on average

	mu    sync.Mutex
	tally tally
}

// tally counts worker processes by their ends.
type tally struct {
	ended  int
	killed int
	clean  int      // stopped by SIGTERM and left nothing undone
	undone int      // the same, but SQS did not confirm every delete or give-back in time
	failed []string // all that went another way
}

// stopLimit is far more than the few seconds that a stop takes, so that it
// tells a worker that hangs from a slow machine.
const stopLimit = time.Minute

// tend keeps a worker at work until ctx ends. It lives for a while, is killed
// or, now and then, told to stop, and the next one starts.
func (c *crew) tend(ctx context.Context) error {
	for ctx.Err() == nil {
		p, err := start(c.job)
		if err != nil {
			return err
		}
		p.live(ctx, c.lifetime())
		if rand.IntN(5) == 0 {
			c.stop(p)
		} else {
			c.kill(p)
		}
	}
	return nil
}

// lifetime is mostly short, but some have to live long enough to extend leases
// and to see their own messages come back.
func (c *crew) lifetime() time.Duration {
	d := c.life/2 + rand.N(c.life)
	if rand.IntN(10) == 0 {
		d *= 5
	}
	return d
}

// calmly runs one worker that has no trouble, until done returns. Nothing
// excuses it from a clean stop.
func (c *crew) calmly(job job, done func() error) error {
	p, err := start(job)
	if err != nil {
		return err
	}
	err = done()
	before := c.counts().clean
	c.stop(p)
	if c.counts().clean == before {
		c.failed("the last worker did not stop cleanly: " + p.text())
	}
	return err
}

// killedBySignal is what ExitCode says of a process that did not exit.
const killedBySignal = -1

func (c *crew) kill(p *process) {
	p.cmd.Process.Kill()
	<-p.exited
	c.count(func(t *tally) {
		t.ended++
		if p.cmd.ProcessState.ExitCode() == killedBySignal && p.stderr.Len() == 0 {
			t.killed++
		} else {
			t.failed = append(t.failed, "a worker ended by itself: "+p.text())
		}
	})
}

func (c *crew) stop(p *process) {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		c.failed(fmt.Sprintf("a worker did not stop within %s", stopLimit))
		c.kill(p)
		return
	}
	c.count(func(t *tally) {
		t.ended++
		switch p.cmd.ProcessState.ExitCode() {
		case 0:
			t.clean++
		case 1:
			t.undone++
		default:
			t.failed = append(t.failed, "a worker ended by itself: "+p.text())
		}
	})
}

func (c *crew) failed(how string) { c.count(func(t *tally) { t.failed = append(t.failed, how) }) }

func (c *crew) count(change func(*tally)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.tally)
}

func (c *crew) counts() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally
}

// A process is a running worker. Its standard input stays open as long as this
// process lives: a worker whose input ends is an orphan, and goes.
type process struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	exited chan struct{}
}

// start starts a worker and waits until it can be stopped by SIGTERM.
func start(j job) (*process, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0]), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), jobVariable+"="+string(text), "GORACE=halt_on_error=1")
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
	go p.wait(in)
	if err != nil {
		p.cmd.Process.Kill()
		<-p.exited
		return nil, fmt.Errorf("a worker did not start: %w: %s", err, p.text())
	}
	return p, nil
}

func (p *process) wait(in io.Closer) {
	defer close(p.exited)
	p.cmd.Wait() // ProcessState has all that is of interest
	in.Close()
}

// live returns after d, or earlier when ctx or the process has ended.
func (p *process) live(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-p.exited:
	}
}

// text says how the process ended, and what it said.
func (p *process) text() string { return fmt.Sprintf("%v\n%s", p.cmd.ProcessState, &p.stderr) }
