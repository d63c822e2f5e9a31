package reread_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"wildix-worker/internal/reread"
)

const settle = 2 * time.Second

// writeAt writes a file whose modification time is of the bubble's clock.
func (f *fixture) writeAt(path, content string, modified time.Time) {
	f.t.Helper()
	f.write(path, content)
	if err := os.Chtimes(path, modified, modified); err != nil {
		f.t.Fatal(err)
	}
}

// wantAll checks the value, the reason why it may be out of date, and the next value.
func (f *fixture) wantAll(value string, reason error, next string) {
	f.t.Helper()
	got, err := f.value.Get(0)
	if got != value || !errors.Is(err, reason) {
		f.t.Errorf("value is %q with error %v, want %q with %v", got, err, value, reason)
	}
	if got, ok := f.value.Next(); got != next || ok != (next != "") {
		f.t.Errorf("next value is %q, want %q", got, next)
	}
}

func TestChangeIsTakenWhenTheFilesHaveSettled(t *testing.T) {
	inBubbleSettling(t, settle, func(f *fixture) {
		time.Sleep(settle)
		f.wantAll("1+2", nil, "")
		f.writeAt(f.a, "3", time.Now())
		f.wantAll("1+2", reread.ErrChanging, "3+2")
		time.Sleep(settle - 1)
		f.wantAll("1+2", reread.ErrChanging, "3+2")
		f.writeAt(f.a, "4", time.Now()) // goes on
		f.wantAll("1+2", reread.ErrChanging, "4+2")
		time.Sleep(settle)
		f.wantAll("4+2", nil, "")
		if len(f.states) != 2 {
			t.Errorf("notified of %q, want two changes", f.states)
		}
	})
}

// Between two reads, a file is written once or many times.
func TestChangeOfLongAgoIsTakenAtOnce(t *testing.T) {
	inBubbleSettling(t, settle, func(f *fixture) {
		time.Sleep(settle)
		f.wantAll("1+2", nil, "")
		f.writeAt(f.a, "3", time.Now())
		time.Sleep(settle)
		f.wantAll("3+2", nil, "")
		f.writeAt(f.a, "4", time.Now().Add(-time.Hour)) // moved here
		f.wantAll("4+2", nil, "")
	})
}

// A file whose content is for a moment the old one again may be half written.
func TestRewriteOfTheSameContentMustSettleToo(t *testing.T) {
	inBubbleSettling(t, settle, func(f *fixture) {
		time.Sleep(settle)
		f.wantAll("1+2", nil, "")
		f.writeAt(f.a, "1", time.Now())
		f.wantAll("1+2", reread.ErrChanging, "")
		time.Sleep(settle)
		f.wantAll("1+2", nil, "")
		if len(f.states) != 0 {
			t.Errorf("notified of %q, and nothing has changed", f.states)
		}
	})
}

func TestInvalidContentIsReportedWhenItHasSettled(t *testing.T) {
	inBubbleSettling(t, settle, func(f *fixture) {
		time.Sleep(settle)
		f.writeAt(f.a, "bad", time.Now())
		f.wantAll("1+2", reread.ErrChanging, "")
		f.writeAt(f.a, "3", time.Now())
		f.wantAll("1+2", reread.ErrChanging, "3+2")
		f.writeAt(f.a, "bad", time.Now())
		f.wantAll("1+2", reread.ErrChanging, "")
		if len(f.states) != 1 {
			t.Errorf("notified of %q, want one change", f.states)
		}
		time.Sleep(settle)
		if _, err := f.value.Get(0); err == nil || errors.Is(err, reread.ErrChanging) || len(f.states) != 2 || f.states[1] != "bad content" {
			t.Errorf("error %v, notified of %q", err, f.states)
		}
	})
}

// With a modification time in the future, a change has settled when it was seen for long.
func TestClockOfTheFilesMayBeAhead(t *testing.T) {
	inBubbleSettling(t, settle, func(f *fixture) {
		f.wantAll("1+2", reread.ErrChanging, "") // written just before the first read
		time.Sleep(settle)
		f.wantAll("1+2", nil, "")
		f.writeAt(f.a, "3", time.Now().Add(time.Hour))
		f.wantAll("1+2", reread.ErrChanging, "3+2")
		time.Sleep(settle)
		f.wantAll("3+2", nil, "")
	})
}
