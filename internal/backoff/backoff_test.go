package backoff_test

import (
	"math"
	"testing"
	"time"

	"wildix-worker/internal/backoff"
)

func TestLimitDoublesUpToMax(t *testing.T) {
	e := backoff.Exponential{Min: 100 * time.Millisecond, Max: time.Second}
	for failures, want := range map[int]time.Duration{
		-1:          100 * time.Millisecond,
		0:           100 * time.Millisecond,
		1:           100 * time.Millisecond,
		2:           200 * time.Millisecond,
		3:           400 * time.Millisecond,
		4:           800 * time.Millisecond,
		5:           time.Second,
		6:           time.Second,
		math.MaxInt: time.Second,
	} {
		if got := e.Limit(failures); got != want {
			t.Errorf("limit after %d failures is %s, want %s", failures, got, want)
		}
	}
}

func TestLimitDoesNotOverflow(t *testing.T) {
	e := backoff.Exponential{Min: time.Second, Max: math.MaxInt64}
	if got := e.Limit(1000); got != math.MaxInt64 {
		t.Errorf("limit is %d, want %d", got, int64(math.MaxInt64))
	}
}

func TestZeroExponentialDoesNotWait(t *testing.T) {
	var e backoff.Exponential
	if full, equal := e.FullJitter(3), e.EqualJitter(3); full != 0 || equal != 0 {
		t.Errorf("delays are %s and %s, want none", full, equal)
	}
}

func TestMaxBelowMinWins(t *testing.T) {
	e := backoff.Exponential{Min: time.Minute, Max: time.Second}
	if got := e.Limit(1); got != time.Second {
		t.Errorf("limit is %s, want 1s", got)
	}
}

func TestJitterStaysWithinItsRangeAndFillsIt(t *testing.T) {
	e := backoff.Exponential{Min: 100 * time.Millisecond, Max: time.Second}
	for name, test := range map[string]struct {
		delay    func(int) time.Duration
		from, to time.Duration
	}{
		"full":  {e.FullJitter, time.Millisecond, 400 * time.Millisecond},
		"equal": {e.EqualJitter, 200 * time.Millisecond, 400 * time.Millisecond},
	} {
		least, most := time.Duration(math.MaxInt64), time.Duration(0)
		for range 2000 {
			d := test.delay(3)
			least, most = min(least, d), max(most, d)
		}
		tenth := (test.to - test.from) / 10
		if least < test.from || least > test.from+tenth || most > test.to || most < test.to-tenth {
			t.Errorf("%s jitter: delays between %s and %s, want %s to %s", name, least, most, test.from, test.to)
		}
	}
}
