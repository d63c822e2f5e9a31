// Package template is the command template: it lists and shows the recipes, and shows what a
// template makes of an event.
package template

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/template"
)

// Command is the command template.
type Command struct {
	List List `cmd:"" help:"List the recipes, the templates that have a name."`
	Show Show `cmd:"" help:"Write the text of a recipe, for example to begin one of your own."`
	Test Test `cmd:"" help:"Show what a template makes of an event. Sends nothing."`
}

// List is the command template list.
type List struct{}

// Run lists the recipes, one a line.
func (*List) Run() error {
	out := term.NewPrinter(os.Stdout)
	for _, r := range template.Recipes() {
		out.Printf("%s  %s  %s\n", term.Column(r.Name, 23), term.Column(r.Service, 15), r.Summary)
	}
	return out.Err()
}

// Show is the command template show.
type Show struct {
	Name string `arg:"" help:"A recipe that template list shows." values:"slack-missed-call,teams-missed-call,discord-missed-call,google-chat-missed-call,hubspot-call,pipedrive-call,zendesk-call,email-missed-call,cloudevents"`
}

// Help is what --help shows below the summary.
func (*Show) Help() string {
	return `The text begins with the URL and the headers that the service needs, and with links to
its documentation. Write it to a file, change it, and set the file instead of the name.`
}

// Run writes the text of a recipe.
func (cmd *Show) Run() error {
	r, ok := template.RecipeNamed(cmd.Name)
	if !ok {
		return &exit.UsageError{Err: fmt.Errorf("no recipe %q (have %s)", cmd.Name, names())}
	}
	_, err := os.Stdout.WriteString(r.Text())
	return err
}

// names returns the names of all recipes.
func names() string {
	var names []string
	for _, r := range template.Recipes() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// open opens a template. That there is none is a usage error.
func open(name string) (*template.Template, error) {
	t, err := template.Open(name)
	if errors.Is(err, template.ErrNoTemplate) {
		return nil, &exit.UsageError{Err: err}
	}
	return t, err
}
