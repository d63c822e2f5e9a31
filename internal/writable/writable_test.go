package writable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wildix-worker/internal/writable"
)

func TestCheckLeavesFilesAndFoldersAlone(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, file} {
		if err := writable.Check(path); err != nil {
			t.Error(err)
		}
	}
	entries, _ := os.ReadDir(folder)
	content, _ := os.ReadFile(file)
	if len(entries) != 1 || string(content) != "content" {
		t.Errorf("the folder has %v, the file %q", entries, content)
	}
}

func TestMissingPathIsNoPlaceToWrite(t *testing.T) {
	err := writable.Check(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutRightsNothingCanBeWritten(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(folder, 0o700) })
	for _, path := range []string{folder, file} {
		if err := writable.Check(path); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
