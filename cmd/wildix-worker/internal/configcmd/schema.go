package configcmd

import (
	"encoding/json"
	"os"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/cmd/wildix-worker/internal/destination"
)

// Schema is the command config schema.
type Schema struct{}

// Help is what --help shows below the summary.
func (*Schema) Help() string {
	return `Write it to a file, and name that in the first line of the configuration file:
# yaml-language-server: $schema=wildix-worker.schema.json
An editor then completes keys and marks wrong ones. Conditions, templates and what
variables stand for are only checked by config check.`
}

// Run writes the schema.
func (*Schema) Run(ctx *kong.Context) error {
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(schemaOf(config.Settings(ctx.Model)))
}

type object = map[string]any

// schemaOf returns the schema of a file with these settings.
func schemaOf(settings []config.Setting) object {
	var keys []configfile.Key
	for _, s := range settings {
		keys = append(keys, s.Key)
	}
	keys = append(keys, config.SecretKeys()...)
	definitions := object{}
	var byType []any
	for _, t := range destination.Types() {
		definitions[t.Name] = configfile.Schema(t.Keys, t.Help)
		byType = append(byType, object{
			"if":   object{"properties": object{"type": object{"const": t.Name}}, "required": []string{"type"}},
			"then": object{"$ref": "#/$defs/" + t.Name},
		})
	}
	schema := configfile.Schema(keys, "Configuration file of wildix-worker.")
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$defs"] = definitions
	properties, _ := schema["properties"].(object)
	properties[config.DestinationsKey] = object{
		"description":   "Where events go: a name of yours for each destination.",
		"type":          "object",
		"minProperties": 1,
		"propertyNames": object{"pattern": destination.NamePattern},
		"additionalProperties": object{
			"type":       "object",
			"required":   []string{"type"},
			"properties": object{"type": configfile.KeySchema(destination.TypeKey())},
			"allOf":      byType,
		},
	}
	return schema
}
