package expression

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"

	"wildix-worker/events"
)

// present is the hidden field of an object that says whether the event has it.
const present = "$present"

// A shape is what an expression sees of a type: an object, a list or a plain value.
type shape struct {
	fields map[string]*shape // of an object
	item   *shape            // of a list
	kind   kind              // of a plain value

	empty map[string]any // an object that the event does not have; never changed
}

// A kind is the kind of a plain value.
type kind int

const (
	other kind = iota
	text
	number
	truth
	moment
)

// object returns the shape of an object with these fields.
func object(fields map[string]*shape) *shape {
	empty := map[string]any{present: false}
	for name, field := range fields {
		empty[name] = field.zero()
	}
	return &shape{fields: fields, empty: empty}
}

// zero returns the value of a shape that the event does not have. It is shared by events
// that are handled at the same time, so no one changes it.
func (s *shape) zero() any {
	switch {
	case s.fields != nil:
		return s.empty
	case s.item != nil:
		return []any{}
	}
	switch s.kind {
	case text:
		return ""
	case number:
		return 0.0
	case truth:
		return false
	default:
		return time.Time{}
	}
}

// checked returns the type that the compiler checks against.
func (s *shape) checked() types.Type {
	switch {
	case s.fields != nil:
		checked := types.Map{present: types.Bool}
		for name, field := range s.fields {
			checked[name] = field.checked()
		}
		return checked
	case s.item != nil:
		return types.Array(s.item.checked())
	}
	return types.TypeOf(s.zero())
}

// shapeOf returns the shape of a Go type, or nil if expressions do not see it.
func shapeOf(t reflect.Type) *shape {
	switch t {
	case reflect.TypeFor[events.Text](), reflect.TypeFor[string]():
		return &shape{kind: text}
	case reflect.TypeFor[events.Timestamp](), reflect.TypeFor[time.Time]():
		return &shape{kind: moment}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &shape{kind: truth}
	case reflect.Float64, reflect.Int:
		return &shape{kind: number}
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Slice:
		if item := shapeOf(t.Elem()); item != nil {
			return &shape{item: item}
		}
	case reflect.Struct:
		fields := make(map[string]*shape)
		for field := range t.Fields() {
			addField(fields, field)
		}
		return object(fields)
	}
	return nil
}

func addField(fields map[string]*shape, field reflect.StructField) {
	inner := shapeOf(field.Type)
	switch {
	case !field.IsExported() || inner == nil:
	case field.Anonymous:
		maps.Copy(fields, inner.fields)
	default:
		fields[jsonName(field)] = inner
	}
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// read returns a value as an expression sees it.
func (s *shape) read(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case events.Text:
		return value.Value
	case events.Timestamp:
		return value.Time
	}
	switch v.Kind() {
	case reflect.Int:
		return float64(v.Int())
	case reflect.Pointer:
		if v.IsNil() {
			return s.zero()
		}
		return s.read(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = s.item.read(v.Index(i))
		}
		return list
	case reflect.Struct:
		read := maps.Clone(s.empty)
		read[present] = true
		s.readFields(read, v)
		return read
	default:
		return v.Interface()
	}
}

func (s *shape) readFields(read map[string]any, v reflect.Value) {
	for field, value := range v.Fields() {
		switch inner := s.fields[jsonName(field)]; {
		case field.Anonymous:
			s.readFields(read, value)
		case inner != nil:
			read[jsonName(field)] = inner.read(value)
		}
	}
}

// dataShapes are the shapes of the data of each type of event that has typed data.
var dataShapes = func() map[string]*shape {
	shapes := make(map[string]*shape)
	for _, name := range []string{
		events.CallStart, events.CallUpdate, events.CallEnd, events.CallLiveProgress, events.CallLiveCompleted,
		events.CallLiveInterrupted, events.CallLiveTranscription, events.CallCompleted, events.CallFinished,
		events.PresenceUser, events.PresenceTelephony, events.PresenceConference, events.SMSStatus,
	} {
		body := fmt.Sprintf(`{"id":"1","type":%q,"time":1767225600000,"data":{}}`, name)
		e, err := events.Decode([]byte(body))
		if err != nil || e.Data == nil {
			panic("no data of " + name)
		}
		shapes[name] = shapeOf(reflect.TypeOf(e.Data))
	}
	return shapes
}()

// environment returns what an expression for events of these types and patterns can name.
// call is nil unless they name call:finished.
func environment(on []string) (event, call *shape) {
	data := make(map[string]*shape)
	for name, s := range dataShapes {
		if !fits(on, name) {
			continue
		}
		maps.Copy(data, s.fields)
		if name == events.CallFinished && len(on) > 0 {
			call = s
		}
	}
	return object(map[string]*shape{
		"id": {kind: text}, "type": {kind: text}, "pbx": {kind: text}, "company": {kind: text},
		"integrationId": {kind: text}, "time": {kind: moment}, "receiveCount": {kind: number}, "replay": {kind: truth},
		"data": object(data),
	}), call
}

// fits reports whether a selection fits a type. It must name call:finished in full, as a
// pattern means only events of the PBX.
func fits(on []string, name string) bool {
	if name == events.CallFinished && len(on) > 0 {
		return slices.Contains(on, name)
	}
	return len(on) == 0 || slices.ContainsFunc(on, func(pattern string) bool {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		return pattern == name || isPrefix && strings.HasPrefix(name, prefix)
	})
}
