package template

import (
	"reflect"
	"strings"
	"testing"

	"wildix-worker/events/template"
)

func TestListFitsOnATerminal(t *testing.T) {
	const columns = 80
	for _, r := range template.Recipes() {
		if width := 23 + 2 + 15 + 2 + len(r.Summary); width > columns {
			t.Errorf("%s: %d columns", r.Name, width)
		}
	}
}

func TestCompletionOffersEveryRecipe(t *testing.T) {
	var names []string
	for _, r := range template.Recipes() {
		names = append(names, r.Name)
	}
	for _, field := range []struct {
		of   reflect.Type
		name string
	}{{reflect.TypeFor[Show](), "Name"}, {reflect.TypeFor[Test](), "Template"}} {
		argument, _ := field.of.FieldByName(field.name)
		if got, want := argument.Tag.Get("values"), strings.Join(names, ","); got != want {
			t.Errorf("%s offers %s, want %s", field.of, got, want)
		}
	}
}
