package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"wildix-worker/events"
)

// A Template is a text/template that makes a request body from an event:
//
//	{{if eq .Type "call:end"}}
//	{"from": {{json .Data.Caller.Phone}}, "at": {{.Time.UnixMilli}}}
//	{{end}}
//
// If the output is only white space, nothing is sent and the event is ignored, so a
// template can select events with {{if}}.
//
// The fields are ID, Type, PBX, Company, IntegrationID, Time (a time.Time in
// UTC), Key (the delivery key), ReceiveCount and Data. Data has the fields of
// [events.Call], Status to EndBy, and Caller and Callee have those of
// [events.Participant]. Texts are strings, empty for null. The fields of a null caller
// are empty; {{if .Data.Caller}} is true unless it is null. Data is empty for events of
// types without typed data.
//
// Besides those of text/template there are two functions: json writes any value as JSON,
// quotes included ({{json .}} is the whole event), and slack escapes the characters that
// Slack messages reserve: {{slack .Data.Caller.Name | json}}.
type Template struct {
	body *template.Template
}

var functions = template.FuncMap{
	"json":  toJSON,
	"slack": strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace,
}

// ParseTemplate parses a template. To find wrong field names before the first event does,
// it executes the template on sample events: of every type with typed data and of one
// without, with all fields set and with all fields null. The error has the line.
func ParseTemplate(text string) (*Template, error) {
	body, err := template.New("template").Funcs(functions).Parse(text)
	if err != nil {
		return nil, positioned(err)
	}
	t := &Template{body}
	for _, e := range samples() {
		if _, err := t.render(e); err != nil {
			return nil, err
		}
	}
	if err := t.checkBranches(); err != nil {
		return nil, err
	}
	return t, nil
}

// render executes the template. Its errors contain lines and types, but no values.
func (t *Template) render(e *events.Event) ([]byte, error) {
	var body bytes.Buffer
	if err := t.body.Execute(&body, viewOf(e)); err != nil {
		return nil, positioned(err)
	}
	return body.Bytes(), nil
}

// positioned returns a text/template error that begins with its line.
func positioned(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	return errors.New(strings.Replace(text, "template:", "line ", 1))
}

// checkOutput returns an error if an output is not JSON. The samples contain characters
// that need quoting.
func (t *Template) checkOutput() error {
	for _, e := range samples() {
		body, err := t.render(e)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(body)) == 0 {
			continue
		}
		if err := checkJSON(body); err != nil {
			return fmt.Errorf("%w for a %s event; write {{json .Data.Caller.Name}} without quotes around it, or set another Content-Type", err, e.Type)
		}
	}
	return nil
}

func checkJSON(body []byte) error {
	if !json.Valid(body) {
		return errors.New("the template's output is not valid JSON")
	}
	return nil
}

func toJSON(v any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", errors.New("json: the value can't be encoded")
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}
