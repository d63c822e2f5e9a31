package destination

import (
	"maps"
	"slices"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
)

// A kind is a value that the key type of a destination can have.
type kind struct {
	help string
	keys []configfile.Key
}

// commonKeys are those of every destination.
var commonKeys = []configfile.Key{
	{Name: "type", Required: true, Help: "What the events are passed to.", Values: []string{"http", "command", "database", "log", "email", "sqs", "sns", "eventbridge"}},
	{Name: "on", Type: configfile.TypeList, Help: "The types of events that it gets, such as call:end, or their prefixes, such as call:*.", Default: "all"},
	{Name: "when", Help: "Condition for the events that it gets, such as call.missed && call.direction == \"inbound\".", Default: "true"},
	{Name: "timeout", Type: configfile.TypeDuration, Help: "Limit for one event.", Default: "that of handler_timeout"},
	{Name: "concurrency", Type: configfile.TypeCount, Help: "Events that it gets at once.", Default: "that of concurrency"},
}

var (
	templateKey = configfile.Key{Name: "template", Help: "A recipe that wildix-worker template list shows, or a file."}
	secretKey   = configfile.Key{Name: "secret", Secret: true, Help: "Signs what is sent. Without it, the signature of the PBX is sent."}
)

// kinds are the types of destinations by name.
var kinds = map[string]kind{
	"http": {
		help: "Sends events by HTTP.",
		keys: []configfile.Key{
			{Name: "url", Required: true, Secret: true, Help: "Where events are sent, with the scheme http or https."},
			templateKey, secretKey,
			{Name: "headers", Type: configfile.TypeTexts, Secret: true, Help: "Headers to send, such as Authorization."},
			{Name: "retry", Type: configfile.TypeNumbers, Help: "Statuses from 400 to 499 that are retried, besides 408, 425 and 429."},
		},
	},
	"command": {
		help: "Runs a program for each event.",
		keys: []configfile.Key{
			{Name: "command", Type: configfile.TypeList, Required: true, Help: "The program and its arguments, as a list."},
			{Name: "permanent_exit", Type: configfile.TypeCount, Help: "The program's exit code for a permanent error: the event is not retried."},
			{Name: "env", Type: configfile.TypeList, Help: "Environment variables that the program gets besides PATH, HOME, LANG, TZ and TMPDIR."},
		},
	},
	"database": {
		help: "Writes events and calls to a database.",
		keys: []configfile.Key{
			{Name: "url", Required: true, Help: "The database: sqlite:PATH or postgres://USER@HOST/DATABASE."},
			{Name: "retention", Help: "How long calls and events are kept, such as 90d; at least 1d.", Default: "forever"},
		},
	},
	"log": {
		help: "Writes events to standard output, as JSON or columns.",
		keys: []configfile.Key{{Name: "mask", Type: configfile.TypeBoolean, Help: "Hide all but the last two digits of phone numbers.", Default: "that of mask"}},
	},
	"email": {
		help: "Sends events as mail.",
		keys: []configfile.Key{
			{Name: "url", Required: true, Secret: true, Help: "The mail server, such as smtps://USER@mail.example.com:465, without a password."},
			{Name: "password", Secret: true, Help: "The user's password."},
			{Name: "from", Required: true, Help: "The sender, such as Calls <calls@example.com>."},
			{Name: "to", Type: configfile.TypeList, Required: true, Help: "The recipients."},
			templateKey,
		},
	},
	"sqs": {
		help: "Sends events to a queue.",
		keys: []configfile.Key{{Name: "queue_url", Required: true, Help: "The queue."}, secretKey},
	},
	"sns": {
		help: "Publishes events on a topic.",
		keys: []configfile.Key{{Name: "topic_arn", Required: true, Help: "The topic."}, secretKey},
	},
	"eventbridge": {
		help: "Puts events on a bus.",
		keys: []configfile.Key{
			{Name: "bus", Help: "The name or the ARN of the bus.", Default: "default"},
			{Name: "source", Help: "The source of the events on the bus."},
			{Name: "region", Help: "The region of the bus.", Default: "that of its ARN or of the environment"},
		},
	},
}

// A Type is a type of destinations, with the keys that it has in the file.
type Type struct {
	Name, Help string
	Keys       []configfile.Key
}

// Types returns all types, by name.
func Types() (types []Type) {
	for _, name := range typeNames() {
		t := kinds[name]
		types = append(types, Type{name, t.help, t.allKeys()})
	}
	return types
}

// TypeKey returns the key with a destination's type.
func TypeKey() configfile.Key { return commonKeys[0] }

func (t kind) allKeys() []configfile.Key { return slices.Concat(commonKeys, t.keys) }

// requires reports whether a destination of the type must have the key.
func (t kind) requires(key string) bool {
	return slices.ContainsFunc(t.keys, func(k configfile.Key) bool { return k.Name == key && k.Required })
}

// typeNames returns the names of the types, sorted.
func typeNames() []string { return slices.Sorted(maps.Keys(kinds)) }
