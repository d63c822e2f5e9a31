// Package template makes request bodies and mails from events.
//
//	t, err := template.Parse(`{{if call.missed}}{"text": {{slack call.caller.name | json}}}{{end}}`)
//	...
//	body, err := t.Render(ctx, event)
//
// A template is written in the language of text/template. If its output is only white
// space, there is nothing to send, so a template can select events with {{if}}.
//
// # Fields
//
// event is the event with its data, as in {{event.data.caller.phone}}, and so is the dot:
// {{.data.caller.phone}}. call is the whole call of a call:finished event, as in
// {{call.missed}}, and null for other events. [Fields] lists all of them. A null text is
// empty, and so are the fields of a null caller, callee or call; {{if call}} is true unless
// it is null. {{field "data.parts"}} reads any other field of the event's JSON.
//
// Names may also be those of the Go types, as in {{.Data.Caller.UserID}}.
//
// # Functions
//
// Of text/template's functions, call is not offered, and printf has neither argument
// indexes nor widths beyond 1000. [Functions] lists the others. {{json .}} is the whole
// event.
//
// # Limits
//
// A template is at most 64 KiB long, may not call itself, and is nested at most 100 deep. Its
// output is at most 1 MiB, it may take at most 100,000 steps (an action, an iteration, four
// names), and its functions may read and write at most 32 MiB. It runs in the goroutine of
// Render, and ends with its context.
//
// # Recipes
//
// [Open] also accepts the name of a recipe, a template for a well-known service. [Recipes]
// lists them.
package template

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"text/template"
	"text/template/parse"

	"wildix-worker/events"
)

// A Template makes a text from an event. Its methods may be called by several goroutines at
// the same time.
type Template struct {
	contentType string
	readsCall   bool
	executors   sync.Pool // of *executor
}

// An executor executes the template for one event at a time.
type executor struct {
	text *template.Template
	*run
}

// Parse parses a template. Names of fields and functions are checked everywhere, and the
// template is tried on sample events: of each type with typed data, of one without, with all
// fields set and with all fields null. Errors begin with line and column.
func Parse(text string) (*Template, error) {
	if len(text) > maxSource {
		return nil, fmt.Errorf("the template has %d bytes, more than %d", len(text), maxSource)
	}
	trees, err := parseTrees(text)
	if err != nil {
		return nil, err
	}
	c := &checker{text: text, trees: trees}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := checkNesting(trees); err != nil {
		return nil, err
	}
	original := template.New(rootName).Funcs((&run{}).functions())
	for name, tree := range trees {
		addSteps(tree.Root)
		if _, err := original.AddParseTree(name, tree); err != nil {
			return nil, positioned(err)
		}
	}
	t := &Template{readsCall: c.readsCall}
	t.executors.New = func() any {
		r := &run{}
		return &executor{template.Must(original.Clone()).Funcs(r.functions()), r} // never executed before
	}
	ctx, cancel := context.WithTimeout(context.Background(), sampleTimeout)
	defer cancel()
	for _, e := range samples() {
		if _, err := t.Render(ctx, e); err != nil {
			return nil, fmt.Errorf("%w (tried on a made-up %s event)", err, e.Type)
		}
	}
	return t, nil
}

// parseTrees parses a template and those that it defines.
func parseTrees(text string) (map[string]*parse.Tree, error) {
	root := parse.New(rootName)
	root.Mode = parse.SkipFuncCheck // the checker finds the nearest name
	trees := make(map[string]*parse.Tree)
	if _, err := root.Parse(text, "", "", trees); err != nil {
		return nil, positioned(err)
	}
	if trees[rootName] == nil { // the text is empty, or only defines templates
		trees[rootName] = root
		if root.Root == nil {
			root.Root = &parse.ListNode{NodeType: parse.NodeList}
		}
	}
	return trees, nil
}

// Render returns the template's output for an event. It is empty if there is nothing to send.
// Errors have line and column, and no values. If ctx has ended, errors.Is finds its error.
func (t *Template) Render(ctx context.Context, e *events.Event) ([]byte, error) {
	x := t.executors.Get().(*executor)
	defer t.executors.Put(x)
	*x.run = run{ctx: ctx, event: viewOf(e)}
	defer func() { *x.run = run{} }() // the pool must not keep the context
	if err := x.text.Execute(&x.output, x.event); err != nil {
		if errors.Is(err, errOutput) {
			return nil, err
		}
		return nil, positioned(err)
	}
	if len(bytes.TrimSpace(x.output.text)) == 0 {
		return nil, nil
	}
	return x.output.text, nil
}

// ContentType returns the media type of the output, or "" if the template does not say.
// Recipes do.
func (t *Template) ContentType() string { return t.contentType }

// ReadsCall reports whether the template reads the whole call of a call:finished event.
func (t *Template) ReadsCall() bool { return t.readsCall }

// CheckJSON tries the template on sample events, and returns an error if an output is not
// JSON. The samples have characters that need quoting.
func (t *Template) CheckJSON() error {
	return t.checkSamples(func(e *events.Event, output []byte) error {
		if json.Valid(output) {
			return nil
		}
		return fmt.Errorf("%w for a %s event; write {{json .Data.Caller.Name}} without quotes around it, or set another Content-Type", ErrNotJSON, e.Type)
	})
}

// CheckMail tries the template on sample events, and returns an error if [ReadMail] can't
// read an output.
func (t *Template) CheckMail() error {
	return t.checkSamples(func(_ *events.Event, output []byte) error {
		_, err := ReadMail(output)
		return err
	})
}

func (t *Template) checkSamples(check func(e *events.Event, output []byte) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), sampleTimeout)
	defer cancel()
	for _, e := range samples() {
		output, err := t.Render(ctx, e)
		if err == nil && len(output) > 0 {
			err = check(e, output)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ErrNotJSON is the error of an output that should be JSON.
var ErrNotJSON = errors.New("the template's output is not valid JSON")
