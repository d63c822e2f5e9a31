package template

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// A Recipe is a template for a service. Its text names the documentation that it follows,
// and the URL and headers that the service needs.
type Recipe struct {
	// Name is what to set instead of a file's name.
	Name string
	// Service is the service, such as Slack.
	Service string
	// Summary says what is sent, in a few words.
	Summary string
	// ContentType is the media type of the output.
	ContentType string
}

//go:embed recipes/*.tmpl
var recipeFiles embed.FS

const jsonType = "application/json"

var recipes = []Recipe{
	{"slack-missed-call", "Slack", "a message for each missed call", jsonType},
	{"teams-missed-call", "Microsoft Teams", "a card for each missed call", jsonType},
	{"discord-missed-call", "Discord", "a message for each missed call", jsonType},
	{"google-chat-missed-call", "Google Chat", "a card for each missed call", jsonType},
	{"hubspot-call", "HubSpot", "a log of the calls with people outside", jsonType},
	{"pipedrive-call", "Pipedrive", "a log of the calls with people outside", jsonType},
	{"zendesk-call", "Zendesk", "a ticket for each external call", jsonType},
	{"email-missed-call", "email", "a mail for each missed call", MailType},
	{"cloudevents", "CloudEvents 1.0", "every event, in structured mode", "application/cloudevents+json"},
}

// Recipes returns all recipes.
func Recipes() []Recipe { return slices.Clone(recipes) }

// Text returns the recipe's template. It is empty for a Recipe that is not one of [Recipes].
func (r Recipe) Text() string {
	text, err := recipeFiles.ReadFile("recipes/" + r.Name + ".tmpl")
	if err != nil {
		return ""
	}
	return string(text)
}

// RecipeNamed returns the recipe of that name, and whether there is one.
func RecipeNamed(name string) (Recipe, bool) {
	i := slices.IndexFunc(recipes, func(r Recipe) bool { return r.Name == name })
	if i < 0 {
		return Recipe{}, false
	}
	return recipes[i], true
}

// ErrNoTemplate is the error of [Open] if there is neither such a recipe nor a readable file.
var ErrNoTemplate = errors.New("no recipe or file")

// An unreadableError is the error of a file. It is an ErrNoTemplate with the text of the error.
type unreadableError struct{ err error }

func (e *unreadableError) Error() string { return e.err.Error() }

func (e *unreadableError) Unwrap() []error { return []error{ErrNoTemplate, e.err} }

// Open parses a recipe, or else the file of that name. A file that is named like a recipe
// needs a path, such as ./slack-missed-call.
func Open(name string) (*Template, error) {
	if r, ok := RecipeNamed(name); ok {
		t, err := Parse(r.Text())
		if err != nil {
			return nil, fmt.Errorf("recipe %s, %w", name, err)
		}
		t.contentType = r.ContentType
		return t, nil
	}
	text, err := readFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, `/\.`):
		return nil, fmt.Errorf("%w %q%s", ErrNoTemplate, name, nearestRecipe(name))
	case err != nil:
		return nil, &unreadableError{err}
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s, %w", name, err)
	}
	return t, nil
}

// readFile reads at most a little more of a file than a template may have.
func readFile(name string) (string, error) {
	info, err := os.Stat(name)
	if wrong, ok := errors.AsType[*fs.PathError](err); ok {
		return "", fmt.Errorf("%s: %w", name, wrong.Err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", name) // a FIFO would be waited for
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSource+1))
	return string(text), err
}

func nearestRecipe(name string) string {
	var names []string
	for _, r := range recipes {
		names = append(names, r.Name)
	}
	if hint := nearest(name, names); hint != "" {
		return hint
	}
	return fmt.Sprintf("; the recipes are %s", strings.Join(names, ", "))
}
