package events_test

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wildix-worker/events"
)

// compare decodes a body both ways.
func compare(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, body []byte) {
	t.Helper()
	original := bytes.Clone(body)
	want, wantErr := oracle(bytes.Clone(body))
	got, err := events.Decode(body)
	if !bytes.Equal(body, original) {
		t.Fatalf("the body was changed to %q", body)
	}
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%q: error %v, want %v", body, err, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\ndecoded %s\nwant    %s", body, show(got), show(want))
	}
}

func show(e *events.Event) string {
	call, ok := e.Data.(*events.Call)
	if !ok {
		return fmt.Sprintf("%+v\n        %+v", *e, e.Data)
	}
	return fmt.Sprintf("%+v\n        %+v caller %+v callee %+v", *e, *call, call.Caller, call.Callee)
}

// valid is an event with room for more fields.
const valid = `{"id":"1","type":"call:end","time":1693389850810%s}`

// moreFields are fields that a sender or an attacker could add to an event. Package
// jsonscan tests the syntax of JSON.
var moreFields = []string{
	``,
	// Names.
	`,"ID":"2","Pbx":"p","COMPANY":"c","TYPE":"call:start","Time":1693389850811,"DATA":{"Status":"s","\u0063aller":{"PHONE":"1"}}`,
	`,"data":{"ſtatuſ":"long s","tagſ":["a"],"trunKName":"Kelvin","ſervice":"x","destinatıon":"dotless"}`,
	`,"":1,"\u0000":2,"\ud800":3,"` + "\xff" + `":4,"i":5,"idd":"no","` + strings.Repeat("n", 5000) + `":6`,
	// Repeated fields.
	`,"id":"2","type":"call:start","type":"fax:sent","time":1693389850812`,
	`,"id":null,"type":7,"time":"soon","pbx":"p","pbx":[],"company":"c","company":null`,
	`,"id":""`,
	`,"type":""`,
	`,"time":null`,
	`,"time":null,"time":{}`,
	`,"time":1e999`,
	`,"data":{"status":"a","service":"b","caller":{"phone":"1"}},"data":{"status":null,"caller":{"name":"n"}},"Data":7,"data":null`,
	`,"data":{"caller":{"phone":"1","name":"n"},"caller":{"phone":null},"callee":{"phone":"2"},"callee":null}`,
	`,"data":{"caller":{"phone":"1"},"caller":"text","callee":null,"callee":[{"phone":"2"}]}`,
	`,"data":{"tags":["a","b","c"],"tags":["x"],"tags":[null,"y",null,{},null,null,null,null,null,"z"]}`,
	`,"data":{"tags":["a"],"tags":[],"tags":[null],"flags":["a"],"flags":null,"flags":[null,null]}`,
	`,"data":{"tags":["a"],"tags":"b","flags":7}`,
	// The newer types.
	`,"type":"call:live:progress","data":{"id":"c","status":"TALKING","direction":"INBOUND","caller":{"role":"CLIENT","license":null,"phone":7},"flows":[{"flowIndex":0}]}`,
	`,"type":"call:live:transcription","data":{"caller":null},"data":{"flows":{}}`,
	`,"type":"call:completed","data":{"id":"c","time":1693389850810,"licenses":["a",1],"flows":[{"flowIndex":"x","startTime":1693389850810,"endTime":"soon","talkTime":1.5,"callStatus":"MISSED","caller":{}},null,7,[]],"endCause":16}`,
	`,"type":"call:completed","data":{"flows":[1e999,{"duration":1e999}],"flows":null,"time":1e999}`,
	`,"type":"call:completed","data":{"flows":[{"talkTime":1}],"flows":[],"flows":"x","time":{},"licenses":null}`,
	`,"type":"call:completed","data":[],"data":7,"data":null`,
	`,"type":"call:completed","data":{"flows":[{"caller":{"phone":"1"},"tags":["a"]},{"callee":{"name":"n"},"waitTime":2}],"flows":[{"caller":{"name":"x"}},{"caller":{},"caller":null,"callee":7}]}`,
	`,"type":"call:completed","data":{"flows":[{"caller":{"phone":"1"}}],"flows":null,"flows":[{"callee":{}},{"tags":["a",null],"tags":[null,7]}],"flows":[],"flows":[null]}`,
	`,"type":"call:completed","data":{"flows":[{"flowIndex":1,"flowIndex":null,"flowIndex":"2","duration":-0.0,"duration":1e999,"startTime":1693389850810,"startTime":null}]}`,
	`,"type":"call:completed","data":{"flows":[{"TAGS":[],"Direction":"INBOUND","direction":null,"CALLSTATUS":"MISSED","\u0063aller":[]}],"Licenses":["a"],"licenses":[null,"b"]}`,
	`,"type":"call:live:progress","data":{"caller":{"phone":"1"},"caller":null,"callee":{"name":"n"},"caller":{"name":"x"},"flows":[{"caller":{}}]}`,
	`,"type":"call:live:progress","data":{"ID":7,"id":null,"direction":{},"flows":[{"caller":{"\ud83d\ude00":1,"name":"\ud83d\ude00\ud83d` + "\xff" + `é"}}]}`,
	// A type after the data, and several.
	`,"data":{"id":"c","tags":["a"],"flows":[{"talkTime":1}]},"type":"call:completed"`,
	`,"data":{"id":"c","caller":{"phone":"1"}},"type":"call:live:completed","data":{"caller":{"name":"n"}}`,
	`,"data":{"status":"a"},"type":"sms:status","data":{"status":null,"from":"1"},"type":"call:start","data":{"caller":{}}`,
	`,"data":{"status":"a"},"type":"fax:sent","data":{"status":"b"},"type":"call:end"`,
	`,"type":"fax:sent","data":{"status":"a"},"type":"presence:user"`,
	`,"type":null,"data":{"status":"a"},"type":"presence:user"`,
	`,"type":"presence:user","data":{"extension":100,"status":null,"until":1693389850810,"location":{"lat":1}}`,
	`,"type":"presence:telephony","DATA":{"EXTENSION":"100","ſtatuſ":"ringing"}`,
	`,"type":"sms:status","data":{"from":"+12025550100","parts":2,"reason":[]}`,
	// Values of other types.
	`,"pbx":1,"company":true,"data":[{"status":"a"}]`,
	`,"data":{"status":1.50,"caller":7,"callee":false,"service":true,"destination":-0.0E+1,"endBy":[1],"endCause":{"a":1}}`,
	`,"data":{"tags":[1,true,null,"a",["b"],{"c":"d"}],"flags":{}}`,
	// Texts.
	`,"pbx":"\"\\\/\b\f\n\r\t\u00e9\u2028\ud83d\ude00\ud83d\u0041\ude00\uD83D"`,
	`,"pbx":"é☎😀` + "\xff\xfe\xed\xa0\x80\xf0\x9f\x98" + `"`,
	`,"data":{"status":"\u0000","service":"` + "\u007f\u2028\xc0" + `","tags":["\u0061","é","` + "\xff" + `",""]}`,
	`,"pbx":"` + "\x1f" + `"`,
	`,"pbx":"\ud83d\ude00","company":"\ud83dxude00\ud83d\nde00\u0041\ude00"`,
	`,"pbx":"\x"`,
	// The integration.
	`,"integrationId":"a"`,
	`,"integrationId":"a","INTEGRATIONID":"a","integration\u0049d":"\u0061"`,
	`,"integrationId":"a","integrationId":"b"`,
	`,"integrationId":"a","IntegrationID":"b"`,
	`,"integrationId":"a","\u0069ntegrationId":"b"`,
	`,"integrationId":"a","integrationId":"b","integrationId":"b"`,
	`,"integrationId":["a"],"integrationId":"a"`,
	`,"integrationId":"a","integrationId":""`,
	`,"integrationId":"","integrationId":"a"`,
	`,"integrationId":null,"integrationId":"a","integrationId":null`,
	`,"integrationId":"a","integrationId":7`,
	`,"integrationId":["a"]`,
	`,"integrationId":{"a":"b"}`,
	`,"integrationId":true`,
	`,"integratıonId":"dotless","data":{"integrationId":"b"}`,
}

// seeds are whole bodies.
func seeds(t testing.TB) [][]byte {
	start, end := readFile(t, "testdata/call-start.json"), readFile(t, "testdata/call-end.json")
	bodies := [][]byte{start, end, inUpperCase(start), inUpperCase(end)}
	for _, more := range moreFields {
		bodies = append(bodies, fmt.Appendf(nil, valid, more))
	}
	for _, body := range []string{``, `null`, `7`, `"id"`, `[]`, `{}`, `{} x`} {
		bodies = append(bodies, []byte(body))
	}
	return bodies
}

var quotedName = regexp.MustCompile(`"\w+":`)

// inUpperCase is the body with its names in upper case.
func inUpperCase(body []byte) []byte { return quotedName.ReplaceAllFunc(body, bytes.ToUpper) }

func FuzzDecodeLikeEncodingJSON(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) { compare(t, body) })
}

func TestTruncatedBodiesDecodeLikeEncodingJSON(t *testing.T) {
	for _, body := range seeds(t) {
		for i := range min(len(body), 500) {
			compare(t, body[:i])
		}
	}
}

func TestGeneratedBodiesDecodeLikeEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		compare(t, damaged(t, fmt.Appendf(nil, valid, fields(t, 3))))
	})
}

// Each body has data of a type with typed data, and flows, with types before and after.
func TestGeneratedDataDecodesLikeEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var body strings.Builder
		body.WriteString(`{"id":"1","time":1693389850810`)
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			if rapid.Bool().Draw(t, "type") {
				fmt.Fprintf(&body, `,"type":"%s"`, rapid.SampledFrom(typedTypes).Draw(t, "name"))
			}
			fmt.Fprintf(&body, `,"data":{"id":"1"%s`, fields(t, 1))
			for range rapid.IntRange(0, 3).Draw(t, "lists of flows") {
				body.WriteString(`,"flows":[{}`)
				for range rapid.IntRange(0, 3).Draw(t, "flows") {
					fmt.Fprintf(&body, `,{"flowIndex":1,"caller":{"phone":"1"%s}%s}`, fields(t, 0), fields(t, 1))
				}
				body.WriteString(`]`)
			}
			body.WriteString(`}`)
		}
		fmt.Fprintf(&body, `,"type":"%s"}`, rapid.SampledFrom(typedTypes).Draw(t, "last type"))
		compare(t, []byte(body.String()))
	})
}

var typedTypes = []string{events.CallEnd, events.CallStart, events.CallLiveProgress, events.CallCompleted, events.CallFinished, events.PresenceUser, events.SMSStatus, "fax:sent"}

// damaged returns the body, now and then with a byte changed or missing.
func damaged(t *rapid.T, body []byte) []byte {
	at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
	switch rapid.IntRange(0, 9).Draw(t, "damage") {
	case 0:
		return body[:at]
	case 1:
		body[at] = rapid.Byte().Draw(t, "byte")
	case 2:
		return append(body[:at:at], body[at+1:]...)
	}
	return body
}

var (
	names = []string{
		"id", "type", "pbx", "company", "integrationId", "time", "data", "data", "data", "status", "caller", "caller", "callee", "callee",
		"service", "destination", "trunkName", "queueName", "queueId", "tags", "tags", "flags", "endCause", "endCauseStr", "endBy", "phone",
		"name", "email", "userId", "userExtension", "userDepartment", "groupId", "groupName", "userAgent", "userDevice", "role", "license", "unknown", "",
		"flows", "flows", "flowIndex", "startTime", "endTime", "talkTime", "callStatus", "direction", "licenses", "extension", "parts",
		"duration", "connectTime", "waitTime", "serviceNumber", "trunkDirection", "remotePhone", "until", "message", "location", "from", "to", "reason", "channel",
		"queue", "trunk", "started", "answeredAt", "ended", "waited", "answered", "missed",
	}
	texts = []string{
		"", "a", "b", "call:start", "call:end", "fax:sent", "call:live:progress", "call:completed", "presence:user", "sms:status", "7", "null", "ÅÉ☎", "😀", `\"`, `\\`, `\/`, `\b\f\n\r\t`, `\u0041`, `\u00e9`,
		`\ud83d\ude00`, `\ud83d`, `\ude00`, `\ud83dx`, `\ud83d\u0041`, `\uDBFF\uDFFF`, `\u2028`, "\u2029", "\x7f", "\xff", "\xed\xa0\x80", "\xf0\x9f",
	}
	scalars = []string{
		"null", "null", "true", "false", "0", "-0", "1", "1.50", "-1e5", "1E+05", "1e999", "1693389850810", "1693389850810.5", "[]", "{}",
		"[null]", "123456789012345678901234567890",
	}
)

// value generates a JSON value of limited depth.
func value(t *rapid.T, depth int) string {
	kinds := 9
	if depth == 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0, 1:
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	case 2, 3, 4, 5:
		return text(t)
	case 6:
		elements := make([]string, rapid.IntRange(0, 5).Draw(t, "elements"))
		for i := range elements {
			elements[i] = space(t) + value(t, depth-1) + space(t)
		}
		return "[" + strings.Join(elements, ",") + "]"
	default:
		return "{" + strings.TrimPrefix(fields(t, depth-1), ",") + "}"
	}
}

// fields generates an object's fields, each after a comma.
func fields(t *rapid.T, depth int) string {
	var out strings.Builder
	for range rapid.IntRange(0, 8).Draw(t, "fields") {
		out.WriteString("," + space(t) + name(t) + space(t) + ":" + space(t) + value(t, depth))
	}
	return out.String()
}

func name(t *rapid.T) string {
	name := rapid.SampledFrom(names).Draw(t, "name")
	switch rapid.IntRange(0, 9).Draw(t, "spelling") {
	case 0:
		name = strings.ToUpper(name)
	case 1:
		name = strings.NewReplacer("s", "ſ", "K", "\u212a").Replace(name)
	case 2:
		return escaped(name)
	case 3:
		return text(t)
	}
	return `"` + name + `"`
}

func text(t *rapid.T) string {
	return `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(texts), 0, 3).Draw(t, "text"), "") + `"`
}

func escaped(name string) string {
	var out strings.Builder
	for _, c := range name {
		out.WriteString(`\u` + strconv.FormatInt(int64(c)+0x10000, 16)[1:])
	}
	return `"` + out.String() + `"`
}

func space(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "", " ", "\n\t\r "}).Draw(t, "space")
}
