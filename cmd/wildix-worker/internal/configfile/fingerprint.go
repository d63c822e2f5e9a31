package configfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// FilesFingerprint returns a hash of the content of files, of at most 1 MiB each. One that
// can't be read has that for a content.
func FilesFingerprint(names ...string) string {
	h := sha256.New()
	for _, name := range names {
		content, err := content(name)
		if err != nil {
			content = []byte(err.Error())
		}
		fmt.Fprintf(h, "%q %t %q\n", name, err == nil, content)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Fingerprint returns a hash of the value, with the values of its variables. Where it stands
// in the file, the order of keys, and comments make no difference. That of nil is empty.
func (n *Node) Fingerprint() string {
	if n == nil {
		return ""
	}
	h := sha256.New()
	n.writeTo(h)
	return hex.EncodeToString(h.Sum(nil))
}

func (n *Node) writeTo(h hash.Hash) {
	fmt.Fprintf(h, "%d %q %d %d\n", n.Kind, n.Value, len(n.Items), len(n.Entries))
	for _, item := range n.Items {
		item.writeTo(h)
	}
	byName := slices.SortedFunc(slices.Values(n.Entries), func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range byName {
		fmt.Fprintf(h, "%q\n", e.Name)
		e.Value.writeTo(h)
	}
}
