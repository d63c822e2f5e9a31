package signature_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/signature"
)

func newRing(t testing.TB, keys ...signature.Key) *signature.Keyring {
	t.Helper()
	ring, err := signature.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestOldAndNewSecretAreBothValid(t *testing.T) {
	ring := newRing(t,
		signature.Key{IntegrationID: "8qkmnq", Secret: "old"},
		signature.Key{IntegrationID: "8qkmnq", Secret: "new"})
	for _, secret := range []string{"old", "new"} {
		signer, err := ring.Verify([]byte(exampleBody), signature.Sign(secret, []byte(exampleBody)))
		if err != nil {
			t.Errorf("signed with the %s secret: %v", secret, err)
		}
		if !signer.SignsFor("8qkmnq") {
			t.Errorf("signed with the %s secret: not for its integration", secret)
		}
	}
}

func TestKeySignsOnlyForItsIntegration(t *testing.T) {
	ring := newRing(t,
		signature.Key{IntegrationID: "one", Secret: "secret of one"},
		signature.Key{IntegrationID: "two", Secret: "shared"},
		signature.Key{IntegrationID: "three", Secret: "shared"},
		signature.Key{Secret: "global"})
	tests := []struct {
		secret, integration string
		want                bool
	}{
		{"secret of one", "one", true},
		{"secret of one", "two", false},
		{"secret of one", "", true},
		{"shared", "two", true},
		{"shared", "three", true},
		{"shared", "one", false},
		{"global", "one", true},
		{"global", "unknown", true},
	}
	for _, test := range tests {
		signer, err := ring.Verify([]byte("body"), signature.Sign(test.secret, []byte("body")))
		if err != nil {
			t.Fatal(err)
		}
		if got := signer.SignsFor(test.integration); got != test.want {
			t.Errorf("%q signs for %q: %v, want %v", test.secret, test.integration, got, test.want)
		}
	}
	if (signature.Signer{}).SignsFor("one") {
		t.Error("the zero Signer signs")
	}
}

func TestKeyringNeedsSecrets(t *testing.T) {
	if _, err := signature.NewKeyring(); err == nil {
		t.Error("a ring without keys was made")
	}
	if _, err := signature.NewKeyring(signature.Key{IntegrationID: "one"}); err == nil {
		t.Error("a key without a secret was accepted")
	}
}

// Without keys, no message can be told from a forged one.
func TestEmptyRingRejectsNothing(t *testing.T) {
	for name, ring := range map[string]*signature.Keyring{"zero": {}, "nil": nil} {
		if _, err := ring.Verify([]byte("body"), signature.Sign("secret", []byte("body"))); !errors.Is(err, signature.ErrUnavailable) {
			t.Errorf("%s: error %v", name, err)
		}
		if ring.Len() != 0 || ring.String() != "keyring of 0 secrets" {
			t.Errorf("%s: %d secrets, %s", name, ring.Len(), ring)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	key := signature.Key{IntegrationID: "one", Secret: "hunter2"}
	ring := newRing(t, key)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(verb+verb, key, ring); strings.Contains(out, "hunter2") {
			t.Errorf("%s printed %s", verb, out)
		}
	}
}

func TestSecretsFileLines(t *testing.T) {
	tests := []struct {
		name, content string
		secret        string // one that must be valid
		integration   string // for which it must sign
	}{
		{"plain", "s3cret", "s3cret", "any"},
		{"CRLF, indented, comments", "# secrets\r\n\r\n  s3cret\t\r\n", "s3cret", "any"},
		{"byte order mark", "\xef\xbb\xbfs3cret\n", "s3cret", "any"},
		{"of an integration", "8qkmnq=s3cret\n", "s3cret", "8qkmnq"},
		{"several of one", "8qkmnq=a\n8qkmnq=b\nother=c\n", "b", "8qkmnq"},
		{"AWS secret key", "8qkmnq=" + exampleSecret, exampleSecret, "8qkmnq"},
		{"= inside an AWS key", "a/b+c=d\n", "a/b+c=d", "any"},
		{"= made part of the secret", "=abc=\n", "abc=", "any"},
		{"= in an integration's secret", "8qkmnq=abc==\n", "abc==", "8qkmnq"},
		{"# in front of the secret", "=#abc\n", "#abc", "any"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ring, err := signature.LoadKeyring(writeFile(t, test.content), nil)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := ring.Verify([]byte("body"), signature.Sign(test.secret, []byte("body")))
			if err != nil {
				t.Fatalf("Verify: %v", err)
			}
			if !signer.SignsFor(test.integration) {
				t.Errorf("does not sign for %s", test.integration)
			}
			if test.integration != "any" && signer.SignsFor("another") {
				t.Error("signs for another integration")
			}
		})
	}
}

func TestSecretsFileMistakesAreNamed(t *testing.T) {
	tests := []struct {
		name, content, want string
	}{
		{"empty", "", "holds no secret"},
		{"comments only", "# soon\n", "holds no secret"},
		{"no secret after =", "# mine\n8qkmnq=\n", "line 2: no secret after the ="},
		{"padding taken for an id", "YWJjZA==\n", "line 1: no secret after the ="},
		{"UTF-16", "\xff\xfes\x003\x00\n\x00", "is not UTF-8 text"},
		{"UTF-16 without a mark", "s\x003\x00\n\x00", "line 1: a control character"},
		{"zeros after a crash", "one=abc\n\x00\x00\x00", "line 2: a control character"},
		{"Latin-1", "s\xe9cret\n", "is not UTF-8 text"},
		{"old Mac line ends", "one=abc\rtwo=def\r", "line 1: a control character"},
		{"spaced", "8qkmnq = s3cret\n", "line 1: white space around the ="},
		{"too large", strings.Repeat("x", 1<<20+1), "larger than 1 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := signature.LoadKeyring(writeFile(t, test.content), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "YWJjZA") {
				t.Errorf("the error shows the line: %v", err)
			}
		})
	}
	if _, err := signature.LoadKeyring(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := signature.LoadKeyring(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestChangedFileIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeFile(t, "old\n")
		var notified []error
		ring, err := signature.LoadKeyring(path, func(err error) { notified = append(notified, err) })
		if err != nil {
			t.Fatal(err)
		}
		valid := func(secret string) error {
			_, err := ring.Verify([]byte("body"), signature.Sign(secret, []byte("body")))
			return err
		}
		if err := valid("old"); err != nil {
			t.Fatal(err)
		}

		// A secret that was just added is found before its first message is
		// rejected.
		rewrite(t, path, "old\nnew\n")
		time.Sleep(100 * time.Millisecond)
		if err := valid("new"); err != nil {
			t.Errorf("added secret: %v", err)
		}

		// A secret that was removed is not valid for longer than three seconds.
		rewrite(t, path, "new\n")
		time.Sleep(2*time.Second - 1)
		if err := valid("old"); err != nil {
			t.Errorf("secret that may come back: %v", err)
		}
		if err := valid("forged"); !errors.Is(err, signature.ErrUnavailable) {
			t.Errorf("unknown secret while the file is perhaps being written: %v", err)
		}
		time.Sleep(time.Second + 1)
		if err := valid("old"); !errors.Is(err, signature.ErrMismatch) {
			t.Errorf("removed secret: %v", err)
		}
		if len(notified) != 2 || notified[0] != nil || notified[1] != nil {
			t.Errorf("notified of %v, want two changes", notified)
		}
	})
}

func TestInvalidFileLeavesTheLastGoodKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeFile(t, "known\n")
		var notified []error
		ring, err := signature.LoadKeyring(path, func(err error) { notified = append(notified, err) })
		if err != nil {
			t.Fatal(err)
		}
		verify := func(secret string) error {
			time.Sleep(2 * time.Second)
			_, err := ring.Verify([]byte("body"), signature.Sign(secret, []byte("body")))
			return err
		}
		for _, broken := range []string{"", "8qkmnq=\n"} {
			rewrite(t, path, broken)
			if err := verify("known"); err != nil {
				t.Errorf("a known secret while the file holds %q: %v", broken, err)
			}
			if err := verify("unknown"); !errors.Is(err, signature.ErrUnavailable) {
				t.Errorf("an unknown secret while the file holds %q: %v", broken, err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := verify("unknown"); !errors.Is(err, signature.ErrUnavailable) {
			t.Errorf("an unknown secret while the file is gone: %v", err)
		}
		rewrite(t, path, "known\n")
		if err := verify("unknown"); !errors.Is(err, signature.ErrMismatch) {
			t.Errorf("an unknown secret once the file is back: %v", err)
		}
		if len(notified) != 4 || notified[3] != nil || !strings.HasPrefix(notified[0].Error(), "secrets file: ") {
			t.Errorf("notified of %v, want three errors and then nil", notified)
		}
	})
}

func FuzzSecretsFile(f *testing.F) {
	f.Add([]byte("a\nb=c\n=d\n#e\n"))
	f.Add([]byte("8qkmnq=\xff\x00\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		ring, err := signature.LoadKeyring(writeFile(t, string(content)), nil)
		if err == nil && ring.Len() == 0 {
			t.Fatal("a ring without keys")
		}
	})
}

func ExampleLoadKeyring() {
	path := filepath.Join(os.TempDir(), "wildix-example-secrets")
	os.WriteFile(path, []byte("8qkmnq=the old secret\n8qkmnq=the new secret\n"), 0o600)
	defer os.Remove(path)

	ring, err := signature.LoadKeyring(path, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"id":"call-1","integrationId":"8qkmnq"}`)
	signer, err := ring.Verify(body, signature.Sign("the new secret", body))
	fmt.Println(err, signer.SignsFor("8qkmnq"), signer.SignsFor("another"))
	// Output: <nil> true false
}

func ExampleKeyring_Verify() {
	ring, err := signature.NewKeyring(
		signature.Key{IntegrationID: "8qkmnq", Secret: "the old secret"},
		signature.Key{IntegrationID: "8qkmnq", Secret: "the new secret"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"id":"call-1","integrationId":"8qkmnq"}`)
	_, err = ring.Verify(body, signature.Sign("someone else's secret", body))
	fmt.Println(err)
	// Output: signature mismatch
}

func writeFile(t testing.TB, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secrets")
	rewrite(t, path, content)
	return path
}

func rewrite(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now() // perhaps of a bubble
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
}

func TestSignerOfAnIntegrationIsItsFirstKey(t *testing.T) {
	ring := newRing(t,
		signature.Key{IntegrationID: "a", Secret: "one"}, signature.Key{Secret: "any"},
		signature.Key{IntegrationID: "b", Secret: "two"}, signature.Key{IntegrationID: "b", Secret: "next"})
	body := []byte("body")
	for integration, secret := range map[string]string{"a": "one", "b": "two", "c": "any", "": "one"} {
		signer, ok := ring.Signer(integration)
		if !ok || signer.Sign(body) != signature.Sign(secret, body) {
			t.Errorf("events of %q are not signed with %q", integration, secret)
		}
	}
	if _, ok := newRing(t, signature.Key{IntegrationID: "a", Secret: "one"}).Signer("b"); ok {
		t.Error("events are signed with the key of another integration")
	}
}

func TestRingIsBounded(t *testing.T) {
	keys := make([]signature.Key, signature.MaxSecrets+1)
	for i := range keys {
		keys[i].Secret = fmt.Sprint("secret ", i)
	}
	ring := newRing(t, append(keys[:signature.MaxSecrets], keys[0])...) // the same secret again
	if _, err := ring.Verify([]byte("body"), signature.Sign(keys[signature.MaxSecrets-1].Secret, []byte("body"))); err != nil {
		t.Errorf("the last key of a full ring: %v", err)
	}
	var lines strings.Builder
	for i := range signature.MaxSecrets + 1 {
		fmt.Fprintln(&lines, "secret", i)
	}
	path := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := signature.LoadKeyring(path, nil)
	if want := "257 different secrets, at most 256 can be used at once"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
