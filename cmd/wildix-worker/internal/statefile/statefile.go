// Package statefile finds the folder for what the program keeps on this machine, such as the
// state of a single worker.
package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wildix-worker/internal/writable"
)

const (
	program = "wildix-worker"
	name    = "state.db"
)

// URL returns the URL of the file in which a worker keeps calls, "sqlite:PATH", unless a
// setting names a database. It creates the folder, that of [Folder], if need be.
//
// Only the workers of one machine can share the file.
func URL() (string, error) {
	dir, err := folder(os.Getenv, os.UserHomeDir)
	if err == nil {
		err = makeFolder(dir)
	}
	if err != nil {
		return "", fmt.Errorf("%w; or set the state to a database", err)
	}
	return url(dir), nil
}

func url(dir string) string { return "sqlite:" + filepath.Join(dir, name) }

// Look returns what URL would return, and creates nothing. exists reports whether the folder
// is there. If it is not, and can't be created, there is an error.
func Look() (stateURL string, exists bool, err error) {
	dir, err := folder(os.Getenv, os.UserHomeDir)
	if err != nil {
		return "", false, err
	}
	parent := dir
	for {
		info, err := os.Stat(parent)
		switch {
		case errors.Is(err, fs.ErrNotExist) && filepath.Dir(parent) != parent:
			parent = filepath.Dir(parent)
			continue
		case err == nil && !info.IsDir():
			err = fmt.Errorf("%s is not a folder", parent)
		case err == nil && parent != dir:
			err = writable.Check(parent)
		}
		if err != nil {
			return url(dir), false, fmt.Errorf("folder of the state: %w; set STATE_DIRECTORY to a folder", err)
		}
		return url(dir), parent == dir, nil
	}
}

// Folder returns the folder, and creates it if need be. It is, in this order: that of systemd
// (StateDirectory, in the variable STATE_DIRECTORY), XDG_STATE_HOME/wildix-worker, or
// .local/state/wildix-worker in the home folder.
func Folder() (string, error) {
	dir, err := folder(os.Getenv, os.UserHomeDir)
	if err != nil {
		return "", err
	}
	return dir, makeFolder(dir)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("folder of the state: %w; set STATE_DIRECTORY to a folder", err)
	}
	return nil
}

func folder(getenv func(string) string, home func() (string, error)) (string, error) {
	// systemd separates several by colons.
	if dir, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir, nil
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) { // others must be ignored, says its specification
		return filepath.Join(dir, program), nil
	}
	dir, err := home()
	if err != nil || !filepath.IsAbs(dir) {
		return "", errors.New("no folder for the state: set STATE_DIRECTORY to a folder")
	}
	return filepath.Join(dir, ".local", "state", program), nil
}
