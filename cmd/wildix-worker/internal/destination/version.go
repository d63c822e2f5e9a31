package destination

import (
	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/events/template"
)

// files returns the files that a destination of the configuration file names: its template,
// unless that is a recipe.
func files(node *configfile.Node) []string {
	name := node.Text("template")
	if _, isRecipe := template.RecipeNamed(name); name == "" || isRecipe {
		return nil
	}
	return []string{name}
}

// version returns a hash of a destination, with the content of its files. It must be called
// before these are read, so that a change meanwhile is a change of the version later.
func version(node *configfile.Node) string {
	return node.Fingerprint() + configfile.FilesFingerprint(files(node)...)
}
