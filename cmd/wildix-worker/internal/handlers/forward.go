package handlers

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/events/template"
)

// These variables hold secrets and have no flags, since everyone on the machine can see the
// flags of a process. The URL can be a secret too, such as that of a Slack webhook.
const (
	forwardURL     = "WILDIX_FORWARD_URL"
	forwardSecret  = "WILDIX_FORWARD_SECRET"
	forwardHeaders = "WILDIX_FORWARD_HEADERS"
)

// forwardSettings are the settings of the forward handler that are not secret.
type forwardSettings struct {
	Template string          `placeholder:"FILE" aliases:"forward-template-file" file:"" values:"slack-missed-call,teams-missed-call,discord-missed-call,google-chat-missed-call,hubspot-call,pipedrive-call,zendesk-call,email-missed-call,cloudevents" env:"WILDIX_FORWARD_TEMPLATE,WILDIX_FORWARD_TEMPLATE_FILE" help:"Template of the body that forward sends: a file, or a recipe that template list shows. Without one it sends the event as it was signed. WILDIX_FORWARD_URL, WILDIX_FORWARD_SECRET and WILDIX_FORWARD_HEADERS have no flags."`
	Timeout  config.Duration `placeholder:"10s" env:"WILDIX_FORWARD_TIMEOUT" help:"Timeout of one request of forward."`
	Retry    statuses        `yaml:"numbers" placeholder:"STATUS,..." env:"WILDIX_FORWARD_RETRY" help:"Statuses from 400 to 499 that are retried, besides 408, 425 and 429."`
}

func (s *Settings) forward(file *config.File, _ *zap.Logger, faults *config.Faults) destination.Destination {
	cfg := forward.Config{
		URL:           file.Secret(forwardURL),
		Secret:        file.Secret(forwardSecret),
		RetryStatuses: s.Forward.Retry.values,
		Mask:          s.Mask,
		Timeout:       s.Forward.Timeout.Duration,
	}
	var headerErr, templateErr error
	cfg.Header, headerErr = readHeaders(file.Secret(forwardHeaders))
	cfg.Template, templateErr = openTemplate(s.Forward.Template)
	h, err := forward.New(cfg)
	if strings.TrimSpace(cfg.Secret) != cfg.Secret {
		faults.Add(forwardSecret, config.ErrSpaceAround)
	}
	fields := faults.Fields(err)
	fields.Add("URL", forwardURL, nil)
	fields.Add("Header", forwardHeaders, headerErr)
	fields.Add("Template", "--forward-template (WILDIX_FORWARD_TEMPLATE)", templateErr)
	fields.Add("Timeout", "--forward-timeout (WILDIX_FORWARD_TIMEOUT)", s.Forward.Timeout.Err)
	fields.Add("RetryStatuses", "--forward-retry (WILDIX_FORWARD_RETRY)", s.Forward.Retry.err)
	if err != nil {
		return destination.Destination{}
	}
	return destination.HTTP(h, cfg)
}

// openTemplate opens a recipe or a file, if there is one.
func openTemplate(name string) (*template.Template, error) {
	if name == "" {
		return nil, nil
	}
	return template.Open(name)
}

// readHeaders parses headers, one per line. Its errors do not quote them, since they may be
// secret.
func readHeaders(text string) (http.Header, error) {
	header := make(http.Header)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d has no colon: write one header a line, such as Authorization: Bearer TOKEN", i+1)
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return header, nil
}

// statuses is a list of HTTP statuses.
type statuses struct {
	values []int
	err    error
}

// UnmarshalText never fails; see err.
func (s *statuses) UnmarshalText(text []byte) error {
	*s = statuses{}
	if len(text) == 0 {
		return nil
	}
	for word := range strings.SplitSeq(string(text), ",") {
		status, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			s.err = fmt.Errorf("%q is not a status such as 404", word)
			return nil
		}
		s.values = append(s.values, status)
	}
	return nil
}
