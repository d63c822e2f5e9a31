package signature_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/signature"
)

// A step is what a writer does to the file.
type step func(t *testing.T, path string)

// write returns the step that leaves content in the file.
func write(content string) step {
	return func(t *testing.T, path string) { rewrite(t, path, content) }
}

func remove(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// swap returns the step that replaces a link to a folder with the file, as Kubernetes does.
func swap(content string) step {
	return func(t *testing.T, path string) {
		data := filepath.Dir(path)
		folder := t.TempDir()
		rewrite(t, filepath.Join(folder, "secrets"), content)
		if err := errors.Join(os.Symlink(folder, data+".new"), os.Rename(data+".new", data)); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever a reader sees of a file that is being written, no message that is signed with a
// secret of before or after is rejected.
func TestFileThatIsBeingWrittenRejectsNothing(t *testing.T) {
	const before, after = "one=first\ntwo=second\n", "one=first\ntwo=second\nthree=third\n"
	for name, writer := range map[string][]step{
		"redirection":              {write(""), write("one=fi"), write("one=first\n"), write("one=first\ntwo=s"), write(before), write(before + "three"), write(after)},
		"no newline at the end":    {write(""), write("one=first\ntwo=sec"), write("one=first\ntwo=second\nthree=third")},
		"saved as UTF-16":          {write("\xff\xfeo\x00n\x00e\x00"), write("o\x00n\x00e\x00=\x00"), write(after)},
		"renamed":                  {write(after)},
		"removed and written":      {remove, write("one"), write(after)},
		"lines are swapped":        {write("three=third\n"), write("three=third\ntwo=second\n"), write("three=third\ntwo=second\none=first\n")},
		"the same content halfway": {write(""), write(before), write(after)},
		"a folder is swapped":      {swap(after)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data := filepath.Join(t.TempDir(), "data")
				path := filepath.Join(data, "secrets")
				if err := os.Mkdir(data, 0o700); err != nil {
					t.Fatal(err)
				}
				if name == "a folder is swapped" {
					remove(t, data)
					if err := os.Symlink(t.TempDir(), data); err != nil {
						t.Fatal(err)
					}
				}
				rewrite(t, path, before)
				ring, err := signature.LoadKeyring(path, nil)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				writes(t, ring, path, writer)
			})
		})
	}
}

// writes plays a writer, and checks after each step what the ring makes of signatures.
func writes(t *testing.T, ring *signature.Keyring, path string, writer []step) {
	verify := func(secret string) error {
		_, err := ring.Verify([]byte("body"), signature.Sign(secret, []byte("body")))
		return err
	}
	for i, step := range writer {
		step(t, path)
		for range 9 { // as long as a slow writer pauses
			for _, secret := range []string{"first", "second"} {
				if err := verify(secret); err != nil {
					t.Errorf("step %d: secret %s: %v", i, secret, err)
				}
			}
			for _, secret := range []string{"third", "forged"} {
				if err := verify(secret); errors.Is(err, signature.ErrMismatch) {
					t.Errorf("step %d: secret %s is rejected", i, secret)
				}
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	time.Sleep(2 * time.Second)
	for secret, want := range map[string]error{"first": nil, "second": nil, "third": nil, "forged": signature.ErrMismatch} {
		if err := verify(secret); !errors.Is(err, want) {
			t.Errorf("in the end, secret %s: %v, want %v", secret, err, want)
		}
	}
}

// A program may start while its file is being written.
func TestHalfWrittenFileOfAStartRejectsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeFile(t, "one=first\ntwo=sec")
		ring, err := signature.LoadKeyring(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		verify := func(secret string) error {
			_, err := ring.Verify([]byte("body"), signature.Sign(secret, []byte("body")))
			return err
		}
		if err := verify("second"); !errors.Is(err, signature.ErrUnavailable) {
			t.Errorf("secret that is being written: %v", err)
		}
		rewrite(t, path, "one=first\ntwo=second\n")
		time.Sleep(200 * time.Millisecond)
		if err := verify("second"); err != nil {
			t.Errorf("secret that was written: %v", err)
		}
	})
}

// Half a line would be a short secret, easy to guess.
func TestHalfALineIsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeFile(t, "one=first\n")
		ring, err := signature.LoadKeyring(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		rewrite(t, path, "one=first\ntwo=s")
		if _, err := ring.Verify([]byte("body"), signature.Sign("s", []byte("body"))); !errors.Is(err, signature.ErrUnavailable) {
			t.Errorf("half a secret: %v", err)
		}
	})
}
