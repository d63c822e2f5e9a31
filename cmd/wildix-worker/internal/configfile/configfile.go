// Package configfile reads the configuration file: YAML without anchors, aliases and tags, in
// which ${NAME} stands for an environment variable. It finds all faults at once, each with
// its line and column. What the keys mean is up to others, who define them as [Key].
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// maxSize is the size of the largest file, in bytes.
const maxSize = 1 << 20

// A File is a file that was read.
type File struct {
	Name string
	// Root is the mapping of the file. It is empty if there are faults in the syntax.
	Root   *Node
	Faults Faults
}

// Read reads a file. What is wrong with it is in the File's Faults.
func Read(name string) *File {
	f := &File{Name: name, Root: &Node{Kind: Mapping, Line: 1, Column: 1}, Faults: Faults{file: name}}
	content, err := content(name)
	if err != nil {
		f.Faults.list = append(f.Faults.list, fault{text: err.Error()})
		return f
	}
	f.parse(content)
	return f
}

// content returns the content of a regular file. It does not wait for a FIFO, and does not
// read a device.
func content(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		if reason, ok := errors.AsType[*os.PathError](err); ok {
			err = reason.Err
		}
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		if reason, ok := errors.AsType[*os.PathError](err); ok {
			err = reason.Err
		}
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case err != nil:
		return nil, errors.New("can't be read")
	case len(text) > maxSize:
		return nil, fmt.Errorf("larger than %d bytes", maxSize)
	case !utf8.Valid(text):
		return nil, errors.New("not UTF-8 text")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("empty")
	}
	return text, nil
}
