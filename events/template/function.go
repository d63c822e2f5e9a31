package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"
)

// functions returns the functions of a template. They belong to one run, whose limits they
// keep. and, or, not, len, index and slice are those of text/template, which cost nothing.
func (r *run) functions() template.FuncMap {
	return template.FuncMap{
		stepName:   func(n int) (string, error) { return "", r.take(n) },
		"event":    func() (*view, error) { return r.event, r.step() },
		"call":     func() (*callView, error) { return r.event.call, r.step() },
		"field":    r.field,
		"json":     r.json,
		"slack":    r.replacing(slackMarkup),
		"markdown": r.replacing(markdownMarkup),
		"plain":    r.replacing(angleBrackets),
		"line":     r.line,
		"truncate": r.truncate,
		"html":     r.escaping(template.HTMLEscapeString),
		"js":       r.escaping(template.JSEscapeString),
		"urlquery": r.escaping(url.QueryEscape),
		"print":    r.print,
		"println":  r.println,
		"printf":   r.printf,
		"eq":       r.equal,
		"ne":       r.notEqual,
		"lt":       func(a, b any) (bool, error) { return r.compare(a, b, func(order int) bool { return order < 0 }) },
		"le":       func(a, b any) (bool, error) { return r.compare(a, b, func(order int) bool { return order <= 0 }) },
		"gt":       func(a, b any) (bool, error) { return r.compare(a, b, func(order int) bool { return order > 0 }) },
		"ge":       func(a, b any) (bool, error) { return r.compare(a, b, func(order int) bool { return order >= 0 }) },
	}
}

// builtins are functions of text/template that are offered as they are.
var builtins = []string{"and", "or", "not", "len", "index", "slice"}

// functionTypes are the types of functions.
var functionTypes = func() map[string]reflect.Type {
	types := make(map[string]reflect.Type)
	for name, f := range (&run{}).functions() {
		types[name] = reflect.TypeOf(f)
	}
	delete(types, stepName)
	return types
}()

// Functions returns the names of all functions that a template may call, in order.
func Functions() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Clone(builtins), maps.Keys(functionTypes))))
}

// function returns the type of a function's result.
func (c *checker) function(name *parse.IdentifierNode, arguments []reflect.Type) reflect.Type {
	f, ok := functionTypes[name.Ident]
	c.readsCall = c.readsCall || name.Ident == "call"
	switch {
	case ok:
		if n := len(arguments); n < requiredArguments(f) || n > f.NumIn() && !f.IsVariadic() {
			c.fault(name.Pos, "%s takes %d arguments, not %d", name.Ident, requiredArguments(f), n)
		}
		return f.Out(0)
	case !slices.Contains(builtins, name.Ident):
		c.fault(name.Pos, "unknown function %q%s", name.Ident, nearest(name.Ident, Functions()))
		return nil
	case len(arguments) == 0:
		c.fault(name.Pos, "%s needs arguments", name.Ident)
		return nil
	}
	return builtinResult(name.Ident, arguments)
}

func requiredArguments(f reflect.Type) int {
	if f.IsVariadic() {
		return f.NumIn() - 1
	}
	return f.NumIn()
}

func builtinResult(name string, arguments []reflect.Type) reflect.Type {
	first := arguments[0]
	switch {
	case name == "not":
		return reflect.TypeFor[bool]()
	case name == "len":
		return reflect.TypeFor[int]()
	case name == "slice":
		return first
	case name == "index" && first != nil && first.Kind() == reflect.Slice && len(arguments) == 2:
		return first.Elem()
	case name == "and" || name == "or":
		for _, other := range arguments {
			if other != first {
				return nil
			}
		}
		return first
	}
	return nil
}

// Markup of services, and what stands for it in a text.
var (
	// https://docs.slack.dev/messaging/formatting-message-text
	slackMarkup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	// A backslash before punctuation takes its meaning in CommonMark, and in Discord.
	markdownMarkup = strings.NewReplacer(backslashed("\\`*_{}[]()<>#+-.!|~:@&")...)
	// Google Chat has no escapes. The brackets are for links and mentions.
	angleBrackets = strings.NewReplacer("<", "‹", ">", "›")
)

func backslashed(punctuation string) (pairs []string) {
	for _, c := range punctuation {
		pairs = append(pairs, string(c), `\`+string(c))
	}
	return pairs
}

func (r *run) replacing(markup *strings.Replacer) func(string) (string, error) {
	return func(text string) (string, error) {
		if err := r.spend(len(text)); err != nil {
			return "", err
		}
		return r.result(markup.Replace(text))
	}
}

func (r *run) escaping(escape func(string) string) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		text, err := r.print(values...)
		if err != nil {
			return "", err
		}
		return r.result(escape(text))
	}
}

// json writes a value as JSON.
func (r *run) json(v any) (string, error) {
	if err := r.spend(0); err != nil {
		return "", err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", errors.New("the value can't be encoded")
	}
	return r.result(strings.TrimSuffix(text.String(), "\n"))
}

// line makes a text of several lines one, without control characters.
func (r *run) line(text string) (string, error) {
	if err := r.spend(len(text)); err != nil {
		return "", err
	}
	return r.result(strings.TrimSpace(printable(text)))
}

// printable returns a text with a space for control characters that follow each other, and
// without the characters that change the direction of what follows.
func printable(text string) string {
	afterControl := false
	return strings.Map(func(c rune) rune {
		isControl := c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029'
		repeated := isControl && afterControl
		afterControl = isControl
		switch {
		case repeated, c >= '\u202a' && c <= '\u202e', c >= '\u2066' && c <= '\u2069':
			return -1
		case isControl:
			return ' '
		default:
			return c
		}
	}, text)
}

// truncate returns at most n characters of a text. If it is longer, the last is an ellipsis.
func (r *run) truncate(n int, text string) (string, error) {
	if n < 1 {
		return "", fmt.Errorf("%d is not a number of characters from 1", n)
	}
	if err := r.spend(len(text)); err != nil {
		return "", err
	}
	if utf8.RuneCountInString(text) <= n {
		return text, nil
	}
	characters := []rune(text)
	return r.result(string(characters[:n-1]) + "…")
}
