package events_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"wildix-worker/events"
)

const (
	// costPerByte and costConstant bound the memory that Decode allocates, garbage included.
	costPerByte  = 4
	costConstant = 2 << 20
)

// repeated returns a data object in a body of the given type, as large as a body may be.
// field is a format with one verb, for elements that are repeated.
func repeated(eventType, field, element string) string {
	const format = `{"id":"1","type":"%s","time":1693389850810,"data":{%s}}`
	room := events.MaxSize - len(fmt.Sprintf(format, eventType, field)) - len(element)
	elements := strings.Repeat(element+",", room/(len(element)+1)) + element
	return fmt.Sprintf(format, eventType, fmt.Sprintf(field, elements))
}

// hostileBodies are signed bodies that are meant to cost much memory.
func hostileBodies() map[string]string {
	bodies := map[string]string{
		"an unknown type":     repeated("fax:sent", `"pages":[%s]`, `{"a":[]}`),
		"type after the data": `{"id":"1","time":1693389850810,"data":{"name":"` + strings.Repeat("a", events.MaxSize-100) + `"},"type":"call:end"}`,
		"deeply nested":       repeated("call:live:progress", `"x":[%s]`, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)),
		"deeply nested flows": repeated("call:completed", `"flows":[%s]`, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)),
		"long field name":     repeated("call:end", `"%s":1`, strings.Repeat("\xff", events.MaxSize-100)),
		"many field names":    repeated("call:end", `%s`, "\"\xff\":1"),
		"many data":           `{"id":"1","type":"call:completed","time":1693389850810` + strings.Repeat(`,"data":{"flows":[{}]}`, 40_000) + `}`,
		"many types":          `{"id":"1","time":1693389850810` + strings.Repeat(`,"type":"call:end","data":{},"type":"call:completed"`, 20_000) + `}`,
		"many ids":            `{"type":"t","time":1693389850810` + strings.Repeat(`,"id":"0123456789"`, 55_000) + `}`,
		"long id":             `{"type":"t","time":1693389850810,"id":"` + strings.Repeat("\xff", events.MaxSize-100) + `"}`,
		"long time":           `{"type":"t","id":"1","time":1693389850810` + strings.Repeat("0", 0) + `.` + strings.Repeat("0", events.MaxSize-100) + `}`,
		"many integrations":   `{"type":"t","id":"1","time":1693389850810` + strings.Repeat(`,"integrationId":"é"`, 45_000) + `}`,
		"long escapes":        repeated("call:end", `"status":"%s"`, strings.Repeat(`\u00e9`, 170_000)),
	}
	bodies["another type after the data"] = strings.Replace(strings.Replace(repeated("call:end", `"status":"%s"`, strings.Repeat("\xff", events.MaxSize-120)),
		`}}`, `},"type":"call:live:progress"}`, 1), "call:end", "call:start", 1)
	for _, eventType := range []string{"call:end", "call:live:progress", "call:completed", "presence:user", "sms:status"} {
		for name, parts := range map[string][2]string{
			"invalid text":                {`"status":"%s"`, strings.Repeat("\xff", events.MaxSize-100)},
			"many texts":                  {`%s`, `"status":"` + strings.Repeat("a", 40) + `"`},
			"many non-ASCII":              {`%s`, "\"email\":\"é\xff\""},
			"many numbers":                {`%s`, `"id":1`},
			"empty tags":                  {`"tags":[%s]`, `""`},
			"short tags":                  {`"tags":[%s]`, `"a"`},
			"null tags":                   {`"flags":[%s]`, `null`},
			"repeated tags":               {`%s`, `"tags":["a"]`},
			"tags and null":               {`%s`, `"tags":["a","b","c"],"tags":null`},
			"licenses":                    {`"licenses":[%s]`, `""`},
			"callers":                     {`%s`, `"caller":{},"caller":null`},
			"empty flows":                 {`"flows":[%s]`, `{}`},
			"zero flows":                  {`"flows":[%s]`, `0`},
			"flows with callers":          {`"flows":[%s]`, `{"caller":{},"callee":{}}`},
			"flows with many callers":     {`"flows":[%s]`, `{"caller":{},"caller":null,"caller":{},"caller":null}`},
			"flows with tags":             {`"flows":[%s]`, `{"tags":["","","",""]}`},
			"flows with one tag":          {`"flows":[%s]`, `{"tags":[""]}`},
			"repeated flows":              {`%s`, `"flows":[` + strings.Repeat("{},", 999) + `{}]`},
			"repeated flows with callers": {`%s`, `"flows":[` + strings.Repeat(`{"caller":{}},`, 999) + `{}]`},
			"many flows":                  {`%s`, `"flows":[{}]`},
			"flows with text":             {`"flows":[%s]`, `{"direction":"` + strings.Repeat("é", 400) + `"}`},
			"times":                       {`%s`, `"time":{}`},
		} {
			bodies[eventType+" of "+name] = repeated(eventType, parts[0], parts[1])
		}
	}
	return bodies
}

func TestDecodeAllocatesAtMostFourTimesTheBody(t *testing.T) {
	for name, body := range hostileBodies() {
		if len(body) > events.MaxSize || len(body) < events.MaxSize/2 {
			t.Errorf("%s: a body of %d bytes", name, len(body))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e, err := events.Decode([]byte(body))
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cost := int64(after.TotalAlloc-before.TotalAlloc) - int64(len(body)) // its copy
		if cost > costPerByte*int64(len(body))+costConstant {
			t.Errorf("%s: %.1f MiB", name, float64(cost)/(1<<20))
		}
		runtime.KeepAlive(e)
	}
}
