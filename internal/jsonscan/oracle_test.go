package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wildix-worker/internal/jsonscan"
)

// A node is decoded by both encoding/json and a Decoder.
type node struct {
	Text string          `json:"text"`
	Task string          `json:"task"` // its name has letters that other alphabets fold to
	List []string        `json:"list"`
	Raw  json.RawMessage `json:"raw"`
	Node *node           `json:"node"`
}

var nodeNames = [][]byte{[]byte("text"), []byte("task"), []byte("list"), []byte("raw"), []byte("node")}

// read reads a node; texts with AppendString if appends says so.
func (n *node) read(d *jsonscan.Decoder, appends bool) {
	d.ReadObject(func(name []byte) bool {
		switch string(name) {
		case "text":
			if appends && d.Peek() == '"' {
				n.Text = string(d.AppendString([]byte("abc"))[3:])
				return true
			}
			d.ReadString(&n.Text)
		case "task":
			d.ReadString(&n.Task)
		case "list":
			d.ReadStrings(&n.List)
		case "raw":
			n.Raw = bytes.Clone(d.Raw())
		case "node":
			if d.Peek() == 'n' {
				d.Skip()
				n.Node = nil
				return true
			}
			if n.Node == nil {
				n.Node = new(node)
			}
			n.Node.read(d, appends)
		default:
			return false
		}
		return true
	})
}

// compare decodes a text both ways.
func compare(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, text []byte) {
	t.Helper()
	original := bytes.Clone(text)
	var want node
	var wantErr error
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &want)); ok {
		wantErr = &jsonscan.SyntaxError{Offset: int(syntax.Offset)}
	} // any other error is about a value of another type, and the rest was read

	for _, appends := range []bool{false, true} {
		var got node
		d := jsonscan.NewDecoder(text, nodeNames, 512)
		got.read(d, appends)
		err := d.End()
		switch {
		case !bytes.Equal(text, original):
			t.Fatalf("the text was changed to %q", text)
		case fmt.Sprint(err) != fmt.Sprint(wantErr):
			t.Fatalf("%q: error %v, want %v", text, err, wantErr)
		case err == nil && !reflect.DeepEqual(got, want):
			t.Fatalf("%q:\ndecoded %s\nwant    %s", text, show(&got), show(&want))
		}
	}
}

func show(n *node) string {
	if n == nil {
		return "nil"
	}
	return fmt.Sprintf("{%q %q %#v %s %s}", n.Text, n.Task, n.List, n.Raw, show(n.Node))
}

// members are members of an object, right and wrong ones.
var members = []string{
	``,
	// Names.
	`"TEXT":"a","Li\u0073t":["b"],"li` + "ſ" + `t":["long s"],"tas` + "\u212a" + `":"Kelvin","` + "\u0130" + `":1`,
	`"":1,"\u0000":2,"\ud800":3,"` + "\xff" + `":4,"tex":5,"textt":6,"` + strings.Repeat("n", 5000) + `":7`,
	// Repeated names, and values of other types.
	`"text":"a","text":null,"text":7,"text":[],"text":{}`,
	`"list":["a","b","c"],"list":["x"],"list":[null,"y",null,{},null,null,null,null,null,"z"]`,
	`"list":["a"],"list":[],"list":[null],"list":"b","list":7`,
	`"list":["a"],"list":null`,
	`"list":[1,true,null,"a",["b"],{"c":"d"}]`,
	`"node":{"text":"a","node":{"text":"b"}},"node":{"task":"c","node":{"task":"d"}},"node":7,"node":[{"text":"e"}]`,
	`"node":{"text":"a"},"node":null,"node":{"task":"b"}`,
	`"node":"text"`,
	// Strings.
	`"text":"\"\\\/\b\f\n\r\t\u00e9\u2028\ud83d\ude00\ud83d\u0041\ude00\uD83D"`,
	`"text":"é☎😀` + "\xff\xfe\xed\xa0\x80\xf0\x9f\x98\x7f" + `"`,
	`"text":"\ud83d\ude00","task":"\ud83dxude00\ud83d\nde00\u0041\ude00"`,
	`"text":"` + "\x1f" + `"`,
	`"text":"\x"`, `"text":"\v"`, `"text":"\'"`, `"text":"\"`, `"text":"\u12g4"`, `"text":"\uD83G"`, `"text":"\u00e"`, `"text":"\u12`,
	// Numbers and literals.
	`"raw": [0,-0,1,10,0.0,1e1,1E-1,1e+10,12.5e05, true,false,null ] `,
	`"raw":01`, `"raw":-`, `"raw":-a`, `"raw":1.`, `"raw":.5`, `"raw":1e`, `"raw":1e+`, `"raw":+1`, `"raw":0x1`, `"raw":1_000`,
	`"raw":tru`, `"raw":trux`, `"raw":nul]`, `"raw":truefalse`, `"raw":NaN`, `"raw":'a'`, `"raw":null`,
	// Structure.
	" \t\r\n \"raw\" : [ ] , \"m\" : { \"a\" : [ { } , 1 ] } \n",
	`,`, `,,`, `"n"`, `"n":`, `"n":}`, `"n":1,`, `"n" 1`, `n:1`, `:1`, `"n"::1`, `"n":[1,]`, `"n":[,1]`, `"n":[1 2]`, `"n":{,}`, `"n":{"a":1,}`,
	`"n":[}`, `"n":{]`, `"n":{"a"]`, `"n":[1}`, `}`, `} {}`, `"n":1` + "\x00", `"n":1` + "\v", "\u00a0",
}

// seeds are whole texts.
func seeds() (texts [][]byte) {
	for _, m := range members {
		texts = append(texts, fmt.Appendf(nil, `{%s}`, m), fmt.Appendf(nil, `{"text":"before",%s,"task":"after"}`, m))
	}
	for _, text := range []string{
		``, ` `, `null`, `true`, `7`, `-`, `"`, `"text"`, `[]`, `[`, `{`, `{}`, `{} `, "{}\x00", `{"`, `{"text"`, `{"text":`, `{"text":"1"`, "\ufeff{}", "\x00", `nul`,
	} {
		texts = append(texts, []byte(text))
	}
	return texts
}

func TestDecodesLikeEncodingJSON(t *testing.T) {
	for _, text := range seeds() {
		compare(t, text)
		for i := range min(len(text), 300) {
			compare(t, text[:i])
		}
	}
}

func FuzzDecodesLikeEncodingJSON(f *testing.F) {
	for _, text := range seeds() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { compare(t, text) })
}

func TestNestsAsDeepAsEncodingJSON(t *testing.T) {
	for _, depth := range []int{9_997, 9_998, 9_999, 10_000, 10_001} {
		for _, nest := range []string{
			strings.Repeat("[", depth) + strings.Repeat("]", depth),
			strings.Repeat(`{"n":`, depth) + "1" + strings.Repeat("}", depth),
			strings.Repeat(`[`, depth),
			strings.Repeat(`[[],`, depth) + "1" + strings.Repeat("]", depth),
		} {
			compare(t, []byte(nest))
			compare(t, fmt.Appendf(nil, `{"n":%s}`, nest))
			compare(t, fmt.Appendf(nil, `{"list":[%s]}`, nest))
			compare(t, fmt.Appendf(nil, `{"node":{"raw":%s}}`, nest))
		}
	}
}

// tokens are pieces of JSON, and a few of something else.
var tokens = []string{
	"{", "}", "[", "]", ",", ":", " ", "\n", `"text"`, `"list"`, `"node"`, `"RAW"`, `""`, `"\u0041\ud83d\ude00"`, `"` + "\xff" + `"`, `"`, `\`, "1", "-0.5e+7", "01",
	"null", "true", "false", "nul", "x", "\x00", "é",
}

func TestTokensInAnyOrderDecodeLikeEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		compare(t, []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(tokens), 0, 12).Draw(t, "tokens"), "")))
	})
}

func TestNestedValuesDecodeLikeEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { compare(t, []byte(object(t, 4))) })
}

// object generates an object of limited depth.
func object(t *rapid.T, depth int) string {
	var out []string
	for range rapid.IntRange(0, 5).Draw(t, "members") {
		name := rapid.SampledFrom([]string{`"text"`, `"Text"`, `"task"`, `"list"`, `"list"`, `"raw"`, `"node"`, `"node"`, `"NODE"`, `"other"`}).Draw(t, "name")
		out = append(out, name+":"+value(t, depth))
	}
	return "{" + strings.Join(out, ",") + "}"
}

func value(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	switch {
	case kind == 0 && depth > 0:
		elements := make([]string, rapid.IntRange(0, 4).Draw(t, "elements"))
		for i := range elements {
			elements[i] = value(t, depth-1)
		}
		return "[" + strings.Join(elements, " , ") + "]"
	case kind <= 2 && depth > 0:
		return object(t, depth-1)
	default:
		return rapid.SampledFrom([]string{`"a"`, `"b"`, `"\n"`, `""`, "null", "1", "true", "[]", `["x",null]`}).Draw(t, "scalar")
	}
}

func TestStringsDoNotShareMemoryWithTheText(t *testing.T) {
	text := []byte(`{"text":"abc","list":["def"]}`)
	d := jsonscan.NewDecoder(text, nodeNames, 512)
	var n node
	n.read(d, false)
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = 'x'
	}
	if n.Text != "abc" || !slices.Equal(n.List, []string{"def"}) {
		t.Errorf("strings changed with the text: %s", show(&n))
	}
}
