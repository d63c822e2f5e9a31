package message

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Value is the value of a message attribute. DataType is String, Number or Binary, optionally followed by a dot and a custom label.
type Value struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

func (v Value) binary() bool { return strings.HasPrefix(v.DataType, "Binary") }

func (v Value) bytes() []byte {
	if v.binary() {
		return v.BinaryValue
	}
	return []byte(v.StringValue)
}

// Attributes are the attributes of a message, by name.
type Attributes map[string]Value

const maxAttributes = 10

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// Validate returns the error of SQS for attributes that a message cannot have.
func (a Attributes) Validate() error {
	if len(a) > maxAttributes {
		return sqserr.InvalidValue("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(a), maxAttributes)
	}
	for name, v := range a {
		lower := strings.ToLower(name)
		if len(name) > 256 || !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
			return sqserr.InvalidValue("Message (user) attribute name '%s' is invalid.", name)
		}
		if err := v.validate(name); err != nil {
			return err
		}
	}
	return nil
}

func (v Value) validate(name string) error {
	kind, _, _ := strings.Cut(v.DataType, ".")
	if !slices.Contains([]string{"String", "Number", "Binary"}, kind) || len(v.DataType) > 256 {
		return sqserr.InvalidValue("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	}
	if len(v.bytes()) == 0 {
		return sqserr.InvalidValue("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, v.DataType)
	}
	if kind == "Number" {
		if _, err := strconv.ParseFloat(v.StringValue, 64); err != nil {
			return sqserr.InvalidValue("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	}
	return validateText(v.StringValue, "value of message (user) attribute '"+name+"'")
}

// Size returns the length of all names, types and values, in bytes.
func (a Attributes) Size() int {
	n := 0
	for name, v := range a {
		n += len(name) + len(v.DataType) + len(v.bytes())
	}
	return n
}

// MD5 returns the digest of the attributes as SQS documents it, in hex, or "" if there are none. For each attribute in order of
// names, it covers the name, the type and the value, each after its length; before the value is a byte: 1 for text, 2 for binary.
func (a Attributes) MD5() string {
	if len(a) == 0 {
		return ""
	}
	var data []byte
	add := func(part []byte) {
		data = binary.BigEndian.AppendUint32(data, uint32(len(part)))
		data = append(data, part...)
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		v := a[name]
		add([]byte(name))
		add([]byte(v.DataType))
		if v.binary() {
			data = append(data, 2)
		} else {
			data = append(data, 1)
		}
		add(v.bytes())
	}
	digest := md5.Sum(data)
	return hex.EncodeToString(digest[:])
}

// Select returns the attributes that match one of the patterns: a name, "prefix.*", or "All" or ".*" for all of them.
func (a Attributes) Select(patterns []string) Attributes {
	if len(a) == 0 || len(patterns) == 0 {
		return nil
	}
	selected := make(Attributes, len(a))
	for name, v := range a {
		if slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) }) {
			selected[name] = v
		}
	}
	return selected
}

func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, ".*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == "All" || pattern == name
}
