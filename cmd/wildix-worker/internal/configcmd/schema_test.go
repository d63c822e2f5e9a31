package configcmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/worker"
)

type program struct {
	Run    worker.Settings `cmd:""`
	Config Command         `cmd:""`
}

func parser(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&program{})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// validator returns a function that checks a file against the schema.
func validator(t *testing.T) func(file string) error {
	t.Helper()
	text, err := json.Marshal(schemaOf(config.Settings(parser(t).Model)))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("wildix-worker.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("wildix-worker.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(file string) error {
		asJSON, err := yaml.YAMLToJSON([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(instance)
	}
}

const firm = settings + destinations

const settings = `
queue_url: https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events
concurrency: 64
handler_timeout: 1m30s
mask: ${MASK}
`

const destinations = `destinations:
  missed:
    type: http
    url: ${SLACK_WEBHOOK_URL}
    on: [call:finished]
    when: call.missed && call.direction == "inbound"
    template: slack-missed-call
    timeout: 10s
    concurrency: 8
    retry: [401, 403]
    headers: {Authorization: Bearer x}
  crm: {type: command, command: [sh, /opt/crm.sh], on: "call:end", permanent_exit: 3}
  archive: {type: database, url: "sqlite:/var/lib/wildix-worker/events.db", on: ["call:*"], retention: 90d}
  lines: {type: log, mask: true}
  mail: {type: email, url: "smtps://a@mail.example.com", password: "${MAIL_PASSWORD}", from: a@example.com, to: [b@example.com]}
  queue: {type: sqs, queue_url: "https://sqs.eu-central-1.amazonaws.com/123456789012/crm"}
  topic: {type: sns, topic_arn: "arn:aws:sns:eu-central-1:123456789012:calls"}
  bus: {type: eventbridge, bus: calls, region: eu-central-1}
`

// The schema and the program agree on what is right and what is wrong.
func TestSchemaAgreesWithTheProgram(t *testing.T) {
	t.Setenv("MASK", "true")
	t.Setenv("SLACK_WEBHOOK_URL", "https://hooks.example.com/x")
	t.Setenv("MAIL_PASSWORD", "p")
	check := validator(t)
	for _, c := range []struct {
		name, from, to string
		right          bool
	}{
		{"the firm", "", "", true},
		{"a number from a variable", "concurrency: 64", "concurrency: ${MASK}0", false},
		{"unknown setting", "concurrency: 64", "concurency: 64", false},
		{"text for a number", "concurrency: 64", "concurrency: many", false},
		{"zero", "concurrency: 64", "concurrency: 0", false},
		{"no unit", "1m30s", "90", false},
		{"no duration", "1m30s", "soon", false},
		{"text for a boolean", "mask: ${MASK}", "mask: perhaps", false},
		{"unknown key", "timeout: 10s", "timout: 10s", false},
		{"key of another type", "template: slack-missed-call", "bus: x", false},
		{"unknown type", "type: log", "type: logs", false},
		{"no type", "type: log, ", "", false},
		{"no url", "url: ${SLACK_WEBHOOK_URL}", "", false},
		{"text for numbers", "[401, 403]", "401", false},
		{"text in numbers", "[401, 403]", "[x]", false},
		{"empty list", "[call:finished]", "[]", false},
		{"text for a mapping", "{Authorization: Bearer x}", "x", false},
		{"a name with a space", "  crm:", "  the crm:", false},
		{"no destination", destinations, "destinations: {}\n", false},
		{"a list of destinations", destinations, "destinations: [a]\n", false},
		{"a secret", "concurrency: 64", "secret: x", false},
		{"a secret of a variable", "concurrency: 64", "secret: ${MASK}", true},
		{"handlers", destinations, "handlers: [log]\n", true},
		{"unknown level", "concurrency: 64", "log_level: loud", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := strings.Replace(firm, c.from, c.to, 1)
			if c.from != "" && file == firm {
				t.Fatal("nothing is replaced")
			}
			name := filepath.Join(t.TempDir(), "firm.yaml")
			if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			command, err := parser(t).Parse([]string{"config", "check", "--config", name})
			if err != nil {
				t.Fatal(err)
			}
			err = command.Run()
			if (err == nil) != c.right {
				t.Errorf("config check: %v", err)
			}
			if c.name == "a number from a variable" {
				return // not known to a schema
			}
			if err := check(file); (err == nil) != c.right {
				t.Errorf("schema: %v", err)
			}
		})
	}
}
