package handlers

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/events/handlers/forward"
)

// These variables have no flags, since everyone on the machine can see the flags of a
// process. The URL is one of them: that of a Slack webhook lets anybody post.
const (
	forwardURL     = "WILDIX_FORWARD_URL"
	forwardSecret  = "WILDIX_FORWARD_SECRET"
	forwardHeaders = "WILDIX_FORWARD_HEADERS"
)

// forwardSettings are the settings of the forward handler that are not secret.
type forwardSettings struct {
	TemplateFile string          `placeholder:"FILE" env:"WILDIX_FORWARD_TEMPLATE_FILE" help:"Template of the body that forward sends. Without one it sends the event as it was signed. WILDIX_FORWARD_URL, WILDIX_FORWARD_SECRET and WILDIX_FORWARD_HEADERS have no flags."`
	Timeout      config.Duration `placeholder:"10s" env:"WILDIX_FORWARD_TIMEOUT" help:"Timeout of one request of forward."`
	Retry        statuses        `placeholder:"STATUS,..." env:"WILDIX_FORWARD_RETRY" help:"Statuses from 400 to 499 that are retried, besides 408, 425 and 429."`
}

func (s *Settings) forward(log *zap.Logger, faults *config.Faults) namedHandler {
	cfg := forward.Config{
		URL:           os.Getenv(forwardURL),
		Secret:        os.Getenv(forwardSecret),
		RetryStatuses: s.Forward.Retry.values,
		Timeout:       s.Forward.Timeout.Duration,
		Logger:        log,
	}
	var headerErr, templateErr error
	cfg.Header, headerErr = readHeaders(os.Getenv(forwardHeaders))
	cfg.Template, templateErr = readTemplate(s.Forward.TemplateFile)
	h, err := forward.New(cfg)
	if strings.TrimSpace(cfg.Secret) != cfg.Secret {
		faults.Add(forwardSecret, config.ErrSpaceAround)
	}
	fields := faults.Fields(err)
	fields.Add("URL", forwardURL, nil)
	fields.Add("Header", forwardHeaders, headerErr)
	fields.Add("Template", "--forward-template-file (WILDIX_FORWARD_TEMPLATE_FILE)", templateErr)
	fields.Add("Timeout", "--forward-timeout (WILDIX_FORWARD_TIMEOUT)", s.Forward.Timeout.Err)
	fields.Add("RetryStatuses", "--forward-retry (WILDIX_FORWARD_RETRY)", s.Forward.Retry.err)
	if err != nil {
		return namedHandler{}
	}
	return namedHandler{Handler: h, close: func() error {
		h.Close()
		return nil
	}}
}

// readTemplate reads a template. Its errors name the file and the line.
func readTemplate(path string) (*forward.Template, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	template, err := forward.ParseTemplate(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s, %w", path, err)
	}
	return template, nil
}

// readHeaders parses headers, one a line. Its errors do not quote them, since they may be
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
