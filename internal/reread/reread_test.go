package reread_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/internal/reread"
)

// join is a parse function that refuses contents that are "bad".
func join(contents []string) (string, error) {
	if slices.Contains(contents, "bad") {
		return "", errors.New("bad content")
	}
	return strings.Join(contents, "+"), nil
}

// A fixture has two files and the value made from them, which is read again
// when it is a second old.
type fixture struct {
	t      *testing.T
	a, b   string
	value  *reread.Value[string]
	parses int
	states []string // that notify was called with
}

func inBubble(t *testing.T, test func(*fixture)) {
	t.Helper()
	inBubbleSettling(t, 0, test)
}

func inBubbleSettling(t *testing.T, settle time.Duration, test func(*fixture)) {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{t: t, a: filepath.Join(dir, "a"), b: filepath.Join(dir, "b")}
	synctest.Test(t, func(*testing.T) {
		f.writeAt(f.a, "1", time.Now())
		f.writeAt(f.b, "2", time.Now())
		var err error
		parse := func(contents []string) (string, error) {
			f.parses++
			return join(contents)
		}
		notify := func(err error) {
			if err == nil {
				f.states = append(f.states, "ok")
			} else {
				f.states = append(f.states, err.Error())
			}
		}
		f.value, err = reread.Load(reread.Config[string]{Paths: []string{f.a, f.b}, Parse: parse, Settle: settle, Notify: notify})
		if err != nil {
			t.Fatal(err)
		}
		test(f)
	})
}

func (f *fixture) write(path, content string) {
	f.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// want checks the value, whether it may be out of date, and how often notify
// was called so far.
func (f *fixture) want(value string, good bool, notified int) {
	f.t.Helper()
	got, err := f.value.Get(time.Second)
	if got != value || (err == nil) != good {
		f.t.Errorf("value is %q with error %v, want %q, good: %t", got, err, value, good)
	}
	if len(f.states) != notified {
		f.t.Errorf("notify was called %d times, want %d: %q", len(f.states), notified, f.states)
	}
}

func TestFilesAreReadAgainOnlyAfterMaxAge(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.want("1+2", true, 0)
		f.write(f.b, "3")
		time.Sleep(time.Second - 1)
		f.want("1+2", true, 0)
		time.Sleep(1)
		f.want("1+3", true, 1)
		f.write(f.a, "4")
		f.want("1+3", true, 1)
		if got, err := f.value.Get(0); got != "4+3" || err != nil {
			t.Errorf("at once, the value is %q with error %v", got, err)
		}
	})
}

func TestUnchangedFilesAreNotParsedAgain(t *testing.T) {
	inBubble(t, func(f *fixture) {
		for range 3 {
			time.Sleep(time.Second)
			f.write(f.a, "1") // a new modification time
			f.want("1+2", true, 0)
		}
		if f.parses != 1 {
			t.Errorf("files were parsed %d times, want once", f.parses)
		}
	})
}

func TestRenamedAndLinkedFilesAreFollowed(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.write(f.a+".new", "3")
		if err := os.Rename(f.a+".new", f.a); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		f.want("3+2", true, 1)
		if err := errors.Join(os.Remove(f.b), os.Symlink(f.a, f.b)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		f.want("3+3", true, 2)
	})
}

func TestLastGoodValueStaysWhileFilesCannotBeUsed(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.write(f.a, "bad")
		for range 3 {
			time.Sleep(time.Second)
			f.want("1+2", false, 1)
		}
		f.want("1+2", false, 1) // also without reading again
		if err := os.Remove(f.a); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Second)
			f.want("1+2", false, 2)
		}
		f.write(f.a, "1") // as it was
		time.Sleep(time.Second)
		f.want("1+2", true, 3)
		f.write(f.b, "bad")
		time.Sleep(time.Second)
		f.want("1+2", false, 4)
		f.write(f.b, "5")
		time.Sleep(time.Second)
		f.want("1+5", true, 5)
		if f.states[0] != "bad content" || f.states[2] != "ok" || f.states[4] != "ok" {
			t.Errorf("notify was called with %q", f.states)
		}
	})
}

func TestLoadFailsWhenAFileCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		dir:                            dir + " is not a regular file",
		filepath.Join(dir, "none"):     "no such file",
		file("bad", "bad"):             "bad content",
		file("large", bytes(1<<20)):    "", // as large as may be
		file("larger", bytes(1<<20+1)): filepath.Join(dir, "larger") + " is larger than 1 MiB",
		file("empty", ""):              "",
	} {
		_, err := reread.Load(reread.Config[string]{Paths: []string{path}, Parse: join})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", filepath.Base(path), err, want)
		}
	}
}

func TestNotifyIsOptional(t *testing.T) {
	inBubble(t, func(f *fixture) {
		value, err := reread.Load(reread.Config[string]{Paths: []string{f.a}, Parse: join})
		if err != nil {
			t.Fatal(err)
		}
		f.write(f.a, "3")
		if got, err := value.Get(0); got != "3" || err != nil {
			t.Errorf("value is %q with error %v", got, err)
		}
	})
}

func bytes(n int) string { return strings.Repeat("x", n) }
