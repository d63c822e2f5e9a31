package route

import (
	"context"
	"errors"
	"slices"
	"time"

	"wildix-worker/internal/backoff"
)

// maxProbes is how many probes of a destination run at once.
const maxProbes = 8

// probePause is the time between two probes. It is short, since the event that is tried may
// be one that always fails.
var probePause = backoff.Exponential{Min: time.Second, Max: 1500 * time.Millisecond}

// askPause is the time after which Blocked asks for another event to probe with.
const askPause = 3 * time.Second

// errProbeReplaced is why the context of a probe ends that has not returned when the next
// is due.
var errProbeReplaced = errors.New("took too long while the destination was down")

// probes are calls that show whether a destination is up again.
type probes struct {
	list  []probe   // reserved or running, the oldest first
	count int       // since the outage began
	next  time.Time // when the next is due
	owed  bool      // the next starts as soon as one that was cancelled returns
	asked time.Time // when Blocked last asked for an event to probe with
}

// A probe is one of them.
type probe struct {
	part      *part
	begun     uint64                  // number of the call, while it runs
	cancel    context.CancelCauseFunc // of the call, while it runs
	cancelled bool
}

// restart begins with short times between probes.
func (p *probes) restart(now time.Time) {
	p.count, p.owed = 0, false
	p.later(now)
}

func (p *probes) later(now time.Time) {
	p.count++
	p.next = now.Add(probePause.EqualJitter(p.count))
}

// due reports whether a new event is to be a probe.
func (p *probes) due(now time.Time) bool {
	return len(p.list) < maxProbes && !now.Before(p.next)
}

// of returns the probe with an event.
func (p *probes) of(part *part) *probe {
	return &p.list[slices.IndexFunc(p.list, func(probe probe) bool { return probe.part == part })]
}

func (p *probes) remove(part *part) {
	p.list = slices.DeleteFunc(p.list, func(probe probe) bool { return probe.part == part })
	part.probe = false
}

// end ends the call of a probe.
func (p *probe) end() {
	if p.cancel != nil && !p.cancelled {
		p.cancelled = true
		p.cancel(errProbeReplaced)
	}
}

// cancel ends the second-oldest probe. The oldest may take its time, so that a destination
// that needs that long shows that it is up.
func (p *probes) cancel() {
	for i := range p.list[1:] {
		probe := &p.list[1+i]
		if probe.cancel != nil && !probe.cancelled {
			probe.end()
			return
		}
	}
}

// cancelBefore ends the probes that have begun before a call that has succeeded: they
// hang.
func (p *probes) cancelBefore(success call) {
	for i := range p.list {
		if p.list[i].begun < success.begun {
			p.list[i].end()
		}
	}
}

// probe has a waiting event tried if that is due. While the destination is up, that is a
// suspect, and needs a place. If no event waits, because all of a few are probes that
// hang, the second-oldest is ended so that it can be tried anew.
func (d *destination) probe(now time.Time) {
	switch {
	case !d.probing() || now.Before(d.probes.next):
	case d.waiting.length == 0 || len(d.probes.list) >= maxProbes:
		d.probes.cancel()
		d.probes.later(now)
		d.probes.owed = true
	case d.circuit.state == Up && d.running >= d.allowed():
	default:
		d.logSuspects(now)
		p := d.waiting.leastTried()
		d.waiting.remove(p)
		d.reserveProbe(p)
		d.wake(p)
	}
}

// probing reports whether there is something to do when the next probe is due.
func (d *destination) probing() bool {
	return !d.retired && (d.waiting.length > 0 || len(d.probes.list) > 1)
}

// reserveProbe gives an event a place as a probe.
func (d *destination) reserveProbe(p *part) {
	d.running++
	p.stage, p.probe = placeReserved, true
	d.probes.list = append(d.probes.list, probe{part: p})
	d.probes.later(time.Now())
}

// wantsEvent reports whether the destination can take another event: it is up, and none
// waits for a place, or it is down and has no event to be probed with. It says the latter
// once for the time between two probes.
func (d *destination) wantsEvent(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.circuit.state == Up:
		return d.line.length == 0
	case now.Before(d.circuit.pausedUntil), d.waiting.length > 0, len(d.probes.list) >= maxProbes,
		now.Sub(d.probes.asked) < askPause:
		return false
	default:
		d.probes.asked = now
		return true
	}
}

// isReplaced reports whether the context of a probe was ended because it took too long.
func isReplaced(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), errProbeReplaced)
}

// context returns the context of a call. cancel is nil if there is nothing to cancel.
func (d *destination) context(ctx context.Context, p *part) (_ context.Context, cancel context.CancelFunc) {
	if p.probe {
		var cancelProbe context.CancelCauseFunc
		ctx, cancelProbe = context.WithCancelCause(ctx)
		cancel = func() { cancelProbe(nil) }
		d.mu.Lock()
		d.probes.of(p).cancel = cancelProbe
		d.mu.Unlock()
	}
	if deadline, ok := ctx.Deadline(); d.timeout > 0 && (!ok || time.Until(deadline) > d.timeout) { // else it costs and changes nothing
		limited, cancelTimeout := context.WithTimeout(ctx, d.timeout)
		if cancelOuter := cancel; cancelOuter != nil {
			return limited, func() { cancelTimeout(); cancelOuter() }
		}
		return limited, cancelTimeout
	}
	return ctx, cancel
}
