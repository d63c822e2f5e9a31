package destination

import (
	"errors"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/events"
)

// A source is a destination of the file. Its methods build the handler of a type.
type source struct {
	node     *configfile.Node
	requires func(key string) bool
	lines    Log
	faults   *configfile.Faults
	logger   *zap.Logger
}

// shown returns the texts of a key for a person to read, without what is secret.
func (s *source) shown(key string) (texts []string) {
	n := s.node.Get(key)
	switch {
	case n == nil:
		return nil
	case n.Kind != configfile.List:
		return []string{n.Display()}
	}
	for _, item := range n.Items {
		texts = append(texts, item.Display())
	}
	return texts
}

// add adds the errors of the fields of a handler's configuration. keys are the keys that the
// fields are from.
func (s *source) add(err error, keys map[string]string) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err != nil {
			s.faults.At(s.node, "%v", err)
		}
		return
	}
	for _, one := range joined.Unwrap() {
		field, ok := errors.AsType[*events.FieldError](one)
		if !ok {
			s.add(one, keys)
			continue
		}
		if key, ok := keys[field.Field]; ok {
			s.fault(key, field.Err)
		}
	}
}

// fault adds a fault of a key, unless one of its value is known already: that it is missing,
// or has another type.
func (s *source) fault(key string, err error) {
	n := s.node.Get(key)
	if n == nil {
		if !s.requires(key) {
			s.faults.At(s.node, "%s: %v", key, err)
		}
		return
	}
	if !s.faults.Has(n) {
		s.faults.At(n, "%v", err)
	}
}
