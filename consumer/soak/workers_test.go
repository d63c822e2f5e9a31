package soak_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// A workerPool runs the worker processes of a queue.
type workerPool struct {
	config   workerConfig
	lifetime time.Duration // of a worker, on average
	exited   func(worker int)

	mu      sync.Mutex
	exits   exits
	started int
}

// start starts a worker, with a number of its own.
func (p *workerPool) start(config workerConfig) (*process, error) {
	p.mu.Lock()
	p.started++
	config.Number = p.started
	p.mu.Unlock()
	return startProcess(config)
}

// exits counts worker processes by how they exited.
type exits struct {
	total       int
	killed      int
	drained     int      // with exit code 0 after SIGTERM
	unconfirmed int      // after SIGTERM, but SQS did not confirm every delete or return in time
	failures    []string // descriptions of all other exits
}

// stopTimeout is far more than the few seconds that a stop takes, so that a slow machine
// is not mistaken for a worker that hangs.
const stopTimeout = time.Minute

// keepRunning runs one worker after the other until ctx ends. Each is killed after a
// while, or sometimes told to stop.
func (p *workerPool) keepRunning(ctx context.Context) error {
	for ctx.Err() == nil {
		w, err := p.start(p.config)
		if err != nil {
			return err
		}
		w.wait(ctx, p.randomLifetime())
		if rand.IntN(5) == 0 {
			p.stop(w)
		} else {
			p.kill(w)
		}
		p.exited(w.number)
	}
	return nil
}

// randomLifetime is mostly short, but some workers must live long enough to extend
// leases and to receive their own messages again.
func (p *workerPool) randomLifetime() time.Duration {
	d := p.lifetime/2 + rand.N(p.lifetime)
	if rand.IntN(10) == 0 {
		d *= 5
	}
	return d
}

// runCalm runs one worker without faults until done returns. That worker must drain.
func (p *workerPool) runCalm(config workerConfig, done func() error) error {
	w, err := p.start(config)
	if err != nil {
		return err
	}
	err = done()
	before := p.counts().drained
	p.stop(w)
	if p.counts().drained == before {
		p.recordFailure("the last worker did not drain: " + w.describe())
	}
	return err
}

// killedBySignal is the ExitCode of a process that a signal ended.
const killedBySignal = -1

func (p *workerPool) kill(w *process) {
	w.cmd.Process.Kill()
	<-w.exited
	p.record(func(e *exits) {
		e.total++
		if w.cmd.ProcessState.ExitCode() == killedBySignal && w.stderr.Len() == 0 {
			e.killed++
		} else {
			e.failures = append(e.failures, "a worker exited unexpectedly: "+w.describe())
		}
	})
}

func (p *workerPool) stop(w *process) {
	w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.exited:
	case <-time.After(stopTimeout):
		p.recordFailure(fmt.Sprintf("a worker did not stop within %s", stopTimeout))
		p.kill(w)
		return
	}
	p.record(func(e *exits) {
		e.total++
		switch w.cmd.ProcessState.ExitCode() {
		case 0:
			e.drained++
		case 1:
			e.unconfirmed++
		default:
			e.failures = append(e.failures, "a worker exited unexpectedly: "+w.describe())
		}
	})
}

func (p *workerPool) recordFailure(description string) {
	p.record(func(e *exits) { e.failures = append(e.failures, description) })
}

func (p *workerPool) record(change func(*exits)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.exits)
}

func (p *workerPool) counts() exits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exits
}
