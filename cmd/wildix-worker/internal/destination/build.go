package destination

import (
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events/handlers/command"
	"wildix-worker/events/handlers/email"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/template"
)

// template returns the template of the destination, or nil if it has none.
func (s *source) template() *template.Template {
	if n := s.node.Get("template"); n == nil || s.faults.Has(n) {
		return nil
	}
	t, err := template.Open(s.node.Text("template"))
	if err != nil {
		s.fault("template", err)
	}
	return t
}

func readsCall(t *template.Template) bool { return t != nil && t.ReadsCall() }

// secret returns the secret that signs what is sent, or an empty text.
func (s *source) secret() string {
	secret := s.node.Text("secret")
	if strings.TrimSpace(secret) != secret {
		s.fault("secret", config.ErrSpaceAround)
	}
	return secret
}

func (s *source) http() Destination {
	cfg := forward.Config{
		URL:           s.node.Text("url"),
		Secret:        s.secret(),
		Template:      s.template(),
		Header:        s.node.Header("headers"),
		RetryStatuses: s.node.Numbers("retry"),
		Mask:          s.lines.Mask,
		Timeout:       s.node.Duration("timeout"),
	}
	h, err := forward.New(cfg)
	s.add(err, map[string]string{"URL": "url", "Template": "template", "Header": "headers", "RetryStatuses": "retry", "Timeout": "timeout"})
	if err != nil {
		return Destination{}
	}
	return HTTP(h, cfg)
}

func (s *source) command() Destination {
	h, err := command.New(command.Config{
		Args: s.node.List("command"), PermanentExit: s.node.Count("permanent_exit"), PassOn: s.node.List("env"), Logger: s.logger,
	})
	s.add(err, map[string]string{"Args": "command", "PermanentExit": "permanent_exit"})
	return Destination{
		Handler: h, Preview: preview.Command(s.shown("command")),
		Target: strings.Join(s.shown("command"), " "), Check: CheckScripts(s.node.List("command")),
	}
}

func (s *source) database() Destination {
	var retention config.Age
	_ = retention.UnmarshalText([]byte(s.node.Text("retention"))) // never fails; see Err
	if retention.Err != nil {
		s.fault("retention", retention.Err)
		return Destination{}
	}
	h, err := store.New(store.Config{URL: s.node.Text("url"), Retention: retention.Duration, Logger: s.logger})
	if err != nil {
		cfg := store.Config{URL: s.node.Text("url"), Retention: retention.Duration}
		s.add(cfg.Validate(), map[string]string{"URL": "url", "Retention": "retention"})
		return Destination{}
	}
	return Destination{
		Handler: h, Connect: h.Connect, Close: h.Close, Preview: preview.Database(), Database: s.node.Text("url"),
		Target: h.Target(), Check: h.Check,
	}
}

func (s *source) log() Destination {
	mask := s.lines.Mask
	if s.node.Get("mask") != nil {
		mask = s.node.Boolean("mask")
	}
	return Destination{Handler: s.lines.New(mask), Preview: preview.Log(mask), Target: StandardOutput}
}

func (s *source) email() Destination {
	cfg := email.Config{
		URL: s.node.Text("url"), Password: s.node.Text("password"), From: s.node.Text("from"), To: s.node.List("to"),
		Timeout: s.node.Duration("timeout"),
	}
	t := s.template()
	if t != nil {
		cfg.Render = email.FromTemplate(t)
	}
	h, err := email.New(cfg)
	s.add(err, map[string]string{"URL": "url", "Password": "password", "From": "from", "To": "to", "Timeout": "timeout"})
	show := preview.Email(h, strings.Join(s.shown("from"), ""), s.shown("to"))
	return Destination{Handler: h, ReadsCall: readsCall(t), Preview: show, Target: Host(cfg.URL), Check: h.Check}
}
