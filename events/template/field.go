package template

import (
	"fmt"
	"reflect"

	"wildix-worker/events"
)

// A Field is a value that a template can read.
type Field struct {
	// Name is what to write in a template, such as event.data.caller.phone.
	Name string
	// Value is the value in an event. It is empty if the event does not have it.
	Value string
}

// Fields returns all fields of a template, with their values in an event.
func Fields(e *events.Event) []Field {
	v := viewOf(e)
	return append(fieldsOf("event", reflect.ValueOf(v)), fieldsOf("call", reflect.ValueOf(v.call))...)
}

// fieldsOf returns a value as one field, or those beneath it.
func fieldsOf(name string, v reflect.Value) (fields []Field) {
	switch value := v.Interface().(type) {
	case []string:
		if len(value) == 0 {
			return []Field{{name, ""}}
		}
		return []Field{{name, jsonText(value)}}
	case *view, dataView, *callView, *participant:
		names, _ := goFields(v.Type())
		for _, n := range names {
			fields = append(fields, fieldsOf(name+"."+lowerName(n), member(v, n))...)
		}
		if c, ok := value.(*callView); ok && c == nil {
			for i := range fields {
				fields[i].Value = ""
			}
		}
		return fields
	default:
		return []Field{{name, fmt.Sprint(value)}}
	}
}

// member returns a field or the result of a method.
func member(v reflect.Value, name string) reflect.Value {
	if method := v.MethodByName(name); method.IsValid() {
		return method.Call(nil)[0]
	}
	return reflect.Indirect(v).FieldByName(name)
}
