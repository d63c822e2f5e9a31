package statefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	home := func() (string, error) { return "/home/ada", nil }
	none := func() (string, error) { return "", errors.New("$HOME is not defined") }
	for name, test := range map[string]struct {
		systemd, xdg string
		home         func() (string, error)
		want         string
	}{
		"systemd":          {"/var/lib/wildix-worker", "/xdg", home, "/var/lib/wildix-worker"},
		"several":          {"/var/lib/wildix-worker:/var/lib/other", "", none, "/var/lib/wildix-worker"},
		"XDG":              {"", "/xdg", home, "/xdg/wildix-worker"},
		"a relative XDG":   {"", "xdg", home, "/home/ada/.local/state/wildix-worker"},
		"home":             {"", "", home, "/home/ada/.local/state/wildix-worker"},
		"none":             {"", "", none, ""},
		"an empty home":    {"", "", func() (string, error) { return "", nil }, ""},
		"none but systemd": {"/s", "", none, "/s"},
	} {
		got, err := folder(func(variable string) string {
			return map[string]string{"STATE_DIRECTORY": test.systemd, "XDG_STATE_HOME": test.xdg}[variable]
		}, test.home)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestFolderIsMadeForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	t.Setenv("STATE_DIRECTORY", dir)
	url, err := URL()
	if err != nil || url != "sqlite:"+filepath.Join(dir, "state.db") {
		t.Errorf("%q, %v", url, err)
	}
	if found, err := os.Stat(dir); err != nil || found.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", found, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STATE_DIRECTORY", filepath.Join(file, "sub"))
	if _, err := URL(); err == nil || !strings.Contains(err.Error(), "STATE_DIRECTORY") {
		t.Errorf("got %v", err)
	}
}

func TestLookCreatesNothing(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b")
	t.Setenv("STATE_DIRECTORY", dir)
	want := "sqlite:" + filepath.Join(dir, "state.db")
	if url, exists, err := Look(); url != want || exists || err != nil {
		t.Errorf("%q, %t, %v", url, exists, err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := URL(); err != nil {
		t.Fatal(err)
	}
	if url, exists, err := Look(); url != want || !exists || err != nil {
		t.Errorf("%q, %t, %v", url, exists, err)
	}
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{file, filepath.Join(file, "sub")} {
		t.Setenv("STATE_DIRECTORY", wrong)
		if _, _, err := Look(); err == nil || !strings.Contains(err.Error(), "set STATE_DIRECTORY to a folder") {
			t.Errorf("%s: got %v", wrong, err)
		}
	}
}
