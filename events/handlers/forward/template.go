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

// A Template makes a request's body of an event, as text/template does:
//
//	{{if eq .Type "call:end"}}
//	{"from": {{json .Data.Caller.Phone}}, "at": {{.Time.UnixMilli}}}
//	{{end}}
//
// What is only white space is not sent: the event counts as ignored. So a
// template selects with {{if}}.
//
// The fields are ID, Type, PBX, Company, IntegrationID, Time (a time.Time in
// UTC), Key (the delivery key), ReceiveCount and Data. Data has all that
// [events.Call] has, Status to EndBy, where Caller and Callee have all that
// [events.Participant] has. Every text is a string, empty for null, and on a
// caller that is null every field is empty; {{if .Data.Caller}} tells whether
// there is one. Events of types that have no typed data have an empty Data.
//
// Besides the functions of text/template there are json, which writes any value
// as JSON, quotes included ({{json .}} is the whole event), and slack,
// which escapes what a Slack message may not have in it: {{slack .Data.Caller.Name
// | json}}.
type Template struct {
	body *template.Template
}

var functions = template.FuncMap{
	"json":  toJSON,
	"slack": strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace,
}

// ParseTemplate reads a template. It is executed on events that were made up, of
// every type that has typed data and of one that has none, with and without what
// may be null, so that a wrong name of a field is an error here and not at the
// first event. The error says where in the text it is.
func ParseTemplate(text string) (*Template, error) {
	body, err := template.New("template").Funcs(functions).Parse(text)
	if err != nil {
		return nil, trimmed(err)
	}
	t := &Template{body}
	for _, e := range samples() {
		if _, err := t.render(e); err != nil {
			return nil, err
		}
	}
	if err := t.checkEveryBranch(); err != nil {
		return nil, err
	}
	return t, nil
}

// render executes the template. Its errors name places in the template and
// types, but no values.
func (t *Template) render(e *events.Event) ([]byte, error) {
	var body bytes.Buffer
	if err := t.body.Execute(&body, viewOf(e)); err != nil {
		return nil, trimmed(err)
	}
	return body.Bytes(), nil
}

// trimmed takes off what text/template says of itself.
func trimmed(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	return errors.New(strings.Replace(text, "template:", "line ", 1))
}

// checkOutput reports an output that is not JSON. The samples have in them what
// needs quoting.
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
			return fmt.Errorf("%w of a %s; write {{json .Data.Caller.Name}} and the like without quotes of your own, or set another Content-Type", err, e.Type)
		}
	}
	return nil
}

func checkJSON(body []byte) error {
	if !json.Valid(body) {
		return errors.New("the template makes no valid JSON")
	}
	return nil
}

func toJSON(v any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", errors.New("json: the value has no JSON")
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}
