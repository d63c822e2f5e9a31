package sqslocal

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// attributeValue is the value of a message attribute. DataType is String, Number or Binary, maybe followed by a dot and a custom label.
type attributeValue struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

func (v attributeValue) binary() bool { return strings.HasPrefix(v.DataType, "Binary") }

// bytes returns the value itself, whichever kind it is of.
func (v attributeValue) bytes() []byte {
	if v.binary() {
		return v.BinaryValue
	}
	return []byte(v.StringValue)
}

type messageAttributes map[string]attributeValue

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// check refuses what SQS refuses in the attributes of a message that is sent.
func (a messageAttributes) check() error {
	if len(a) > 10 {
		return errInvalidValue("Number of message attributes [%d] exceeds the allowed maximum [10].", len(a))
	}
	for name, v := range a {
		lower := strings.ToLower(name)
		if len(name) > 256 || !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
			return errInvalidValue("Message (user) attribute name '%s' is invalid.", name)
		}
		if err := v.check(name); err != nil {
			return err
		}
	}
	return nil
}

func (v attributeValue) check(name string) error {
	kind, _, _ := strings.Cut(v.DataType, ".")
	if !slices.Contains([]string{"String", "Number", "Binary"}, kind) || len(v.DataType) > 256 {
		return errInvalidValue("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	}
	if len(v.bytes()) == 0 {
		return errInvalidValue("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, v.DataType)
	}
	if kind == "Number" {
		if _, err := strconv.ParseFloat(v.StringValue, 64); err != nil {
			return errInvalidValue("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	}
	return checkText(v.StringValue, "value of message (user) attribute '"+name+"'")
}

// size is the length of all names, types and values, in bytes.
func (a messageAttributes) size() int {
	n := 0
	for name, v := range a {
		n += len(name) + len(v.DataType) + len(v.bytes())
	}
	return n
}

// md5 is the digest SQS documents, in hex: names in order, each with its type and value, each of these behind its length, and the
// value behind a byte that tells text (1) from binary (2). It is "" if there are no attributes.
func (a messageAttributes) md5() string {
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

// choose returns the attributes that a receive asks for: by name, "All" or ".*" for all of them, "prefix.*" for some.
func (a messageAttributes) choose(wanted []string) messageAttributes {
	if len(a) == 0 || len(wanted) == 0 {
		return nil
	}
	chosen := make(messageAttributes, len(a))
	for name, v := range a {
		if slices.ContainsFunc(wanted, func(w string) bool { return wants(w, name) }) {
			chosen[name] = v
		}
	}
	return chosen
}

func wants(wanted, name string) bool {
	if prefix, ok := strings.CutSuffix(wanted, ".*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return wanted == "All" || wanted == name
}
