package configfile

// variablePattern matches a text that names a variable, whose value is not known to a schema.
const variablePattern = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

// Schema returns the JSON Schema of a mapping with these keys.
func Schema(keys []Key, help string) map[string]any {
	properties := make(map[string]any)
	var required []string
	for _, k := range keys {
		properties[k.Name] = KeySchema(k)
		if k.Required {
			required = append(required, k.Name)
		}
	}
	schema := map[string]any{
		"description": help, "type": "object", "additionalProperties": false, "properties": properties,
	}
	if required != nil {
		schema["required"] = required
	}
	return schema
}

// KeySchema returns the JSON Schema of a key's value.
func KeySchema(k Key) map[string]any {
	schema := valueSchema(k)
	schema["description"] = k.Help
	if k.Default != "" {
		schema["description"] = k.Help + " Default: " + k.Default + "."
	}
	return schema
}

func valueSchema(k Key) map[string]any {
	type object = map[string]any
	text := object{"type": "string"}
	variable := object{"type": "string", "pattern": variablePattern}
	switch k.Type {
	case TypeCount:
		return object{"anyOf": []any{object{"type": "integer", "minimum": 1}, variable}}
	case TypeBoolean:
		return object{"anyOf": []any{object{"type": "boolean"}, variable}}
	case TypeDuration:
		return object{"anyOf": []any{object{"type": "string", "pattern": `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)`}, variable}}
	case TypeList:
		return object{"anyOf": []any{text, object{"type": "array", "minItems": 1, "items": text}}}
	case TypeNumbers:
		return object{"type": "array", "minItems": 1, "items": object{"anyOf": []any{object{"type": "integer"}, variable}}}
	case TypeTexts:
		return object{"type": "object", "additionalProperties": text}
	}
	if k.Instead != "" {
		return variable
	}
	if len(k.Values) > 0 {
		return object{"anyOf": []any{object{"enum": k.Values}, variable}}
	}
	return text
}
