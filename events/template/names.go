package template

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// lowerName returns the name of a field in JSON, such as userId for UserID.
func lowerName(goName string) string {
	if strings.ToUpper(goName) == goName {
		return strings.ToLower(goName)
	}
	if name, ok := strings.CutSuffix(goName, "ID"); ok {
		goName = name + "Id"
	}
	return strings.ToLower(goName[:1]) + goName[1:]
}

// hidden are methods that are no fields.
var hidden = []string{"MarshalJSON", "String"}

// goFields returns the names of the fields and methods of a type in Go, in the order of the
// source for fields, and their types. Methods without arguments and those with are the same.
func goFields(of reflect.Type) (names []string, kinds map[string]reflect.Type) {
	kinds = make(map[string]reflect.Type)
	if of == nil {
		return nil, kinds
	}
	if of.Kind() == reflect.Struct {
		of = reflect.PointerTo(of)
	}
	if of.Kind() == reflect.Pointer && of.Elem().Kind() == reflect.Struct {
		for field := range of.Elem().Fields() {
			if field.IsExported() && !field.Anonymous {
				names = append(names, field.Name)
				kinds[field.Name] = field.Type
			}
		}
	}
	for method := range of.Methods() {
		if !slices.Contains(hidden, method.Name) && method.Type.NumOut() > 0 {
			names = append(names, method.Name)
			kinds[method.Name] = method.Type.Out(0)
		}
	}
	return names, kinds
}

// everyType are the types that have fields.
var everyType = []reflect.Type{
	reflect.TypeFor[*view](), reflect.TypeFor[*dataView](), reflect.TypeFor[*callView](),
	reflect.TypeFor[*participant](), reflect.TypeFor[*moment](), reflect.TypeFor[span](),
}

// fieldOf returns the type of a field and its name in Go. If the type that has the field is
// not known, neither is that of the field, but any type must have it.
func fieldOf(of reflect.Type, name string) (kind reflect.Type, goName string, ok bool) {
	types := []reflect.Type{of}
	if of == nil {
		types = everyType
	}
	for _, t := range types {
		names, kinds := goFields(t)
		for _, n := range names {
			if n == name || lowerName(n) == name {
				if of == nil {
					return nil, n, true
				}
				return kinds[n], n, true
			}
		}
	}
	return nil, "", false
}

// fieldNames returns the names of the fields of a type, or of all if it is not known.
func fieldNames(of reflect.Type) (all []string) {
	types := []reflect.Type{of}
	if of == nil {
		types = everyType
	}
	for _, t := range types {
		names, _ := goFields(t)
		all = append(all, names...)
	}
	return all
}

// nearest returns a hint at the name that is most like a wrong one, or "". It has the wrong
// one's kind of first letter.
func nearest(wrong string, names []string) string {
	best, bestDistance := "", 3
	for _, name := range names {
		if strings.ToLower(wrong[:1]) == wrong[:1] {
			name = lowerName(name)
		}
		if d := distance(strings.ToLower(wrong), strings.ToLower(name)); d < bestDistance && d < len(wrong) {
			best, bestDistance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance returns the number of letters to insert, delete or replace between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
