// Package docs tests the documentation: its settings are those of the program, its links have
// targets, and its commands and samples work.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is the path of the built wildix-worker.
var program string

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "aws" {
		os.Exit(awsCommand(os.Args[1:]))
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "docs")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "wildix-worker")
	if out, err := exec.Command("go", "build", "-o", program, "wildix-worker/cmd/wildix-worker").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// A page is a Markdown file. Its path is relative to the repository.
type page struct {
	path, text string
}

// pages returns the pages whose blocks are run: those of docs and of the repository's root.
func pages(t *testing.T) (all []page) {
	t.Helper()
	for _, pattern := range []string{"../*.md", "*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			all = append(all, readPage(t, file))
		}
	}
	return all
}

// everyPage returns all pages of the repository.
func everyPage(t *testing.T) (all []page) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "dist" || entry.Name() == "bin"):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			all = append(all, readPage(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readPage(t *testing.T, file string) page {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return page{path: filepath.Join("docs", file), text: string(text)}
}

// A block is a fenced code block of a page.
type block struct {
	page     string
	line     int // of its first line, from 1
	language string
	text     string
}

// name identifies a block in tests: the page and the first line.
func (b block) name() string {
	first, _, _ := strings.Cut(b.text, "\n")
	return b.page + ": " + strings.TrimSpace(first)
}

// blocks returns the page's fenced blocks.
func (p page) blocks() (all []block) {
	var current *block
	for i, line := range strings.Split(p.text, "\n") {
		switch {
		case current == nil && strings.HasPrefix(line, "```"):
			current = &block{page: p.path, line: i + 2, language: strings.TrimPrefix(line, "```")}
		case current != nil && line == "```":
			all = append(all, *current)
			current = nil
		case current != nil:
			current.text += line + "\n"
		}
	}
	return all
}

// prose returns the page without its fenced blocks.
func (p page) prose() string {
	var lines []string
	inside := false
	for line := range strings.SplitSeq(p.text, "\n") {
		if strings.HasPrefix(line, "```") {
			inside = !inside
			continue
		}
		if !inside {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
