package send

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// pbxTimeout is how long a PBX waits for a response.
const pbxTimeout = 5 * time.Second

// checkWebhookURL returns an error if the text is not the URL of a webhook.
func checkWebhookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("%q is not a URL such as http://127.0.0.1:8080/webhook", text)
	}
	return nil
}

// postAll posts messages one after the other, as a PBX does, but without retries. It returns
// the status of each response, after a "×" so that a tally such as "2 × 200 OK" is readable.
func postAll(ctx context.Context, to string, messages []outgoing.Message) (answers []string, err error) {
	client := &http.Client{
		Timeout: pbxTimeout,
		// A PBX follows no redirects.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for _, m := range messages {
		status, err := post(ctx, client, to, m)
		if err != nil {
			return answers, err
		}
		answers = append(answers, "× "+status)
	}
	return answers, nil
}

func post(ctx context.Context, client *http.Client, to string, m outgoing.Message) (status string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(m.Body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if m.Signature != "" {
		req.Header.Set("X-Signature", m.Signature)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return "", err
	}
	return resp.Status, nil
}

// sendToWebhook posts messages and prints the answers. It returns an error if valid
// messages were refused, or invalid ones accepted.
func (cmd *Command) sendToWebhook(ctx context.Context, messages []outgoing.Message) error {
	answers, err := postAll(ctx, cmd.Webhook, messages)
	if err != nil {
		return fmt.Errorf("posted %d of %d events: %w", len(answers), len(messages), err)
	}
	fmt.Printf("posted %d events: %s; answers: %s\n", len(answers), tallyTypes(messages), term.Tally(answers))
	refused := 0
	for _, status := range answers {
		if !strings.HasPrefix(status, "× 2") {
			refused++
		}
	}
	switch {
	case cmd.Bad == "" && refused > 0:
		return fmt.Errorf("%d of %d events were refused%s", refused, len(answers), hint(answers))
	case cmd.Bad != "" && refused < len(answers):
		return fmt.Errorf("%d of %d events were accepted, although they are %s", len(answers)-refused, len(answers), cmd.Bad)
	default:
		return nil
	}
}

// hint returns the likely reason of a refusal.
func hint(answers []string) string {
	if answers[0] == "× 401 Unauthorized" {
		return ": is the secret that of the receiver?"
	}
	return ""
}
