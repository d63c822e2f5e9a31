package template_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wildix-worker/events/template"
)

// strict decodes JSON that has no fields but those of v.
func strict(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if d.More() {
		t.Errorf("more than one value: %s", text)
	}
}

// within reports a text that is empty or longer than a service accepts.
func within(t *testing.T, what, text string, limit int) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n == 0 || n > limit {
		t.Errorf("%s has %d characters, want 1 to %d", what, n, limit)
	}
}

// slackText matches text whose reserved characters are escaped, except for the recipe's date.
var (
	slackText = regexp.MustCompile(`^([^&<>]|&amp;|&lt;|&gt;)+$`)
	slackDate = regexp.MustCompile(`<!date\^1693389853\^\{date_short_pretty\} \{time\}\|2023-08-30 10:04 UTC>`)
)

// https://docs.slack.dev/reference/block-kit/blocks/section-block
func checkSlack(t *testing.T, output string) {
	t.Helper()
	var message struct {
		Text   string
		Blocks []struct {
			Type string
			Text struct {
				Type     string
				Verbatim bool
				Text     string
			}
		}
	}
	strict(t, output, &message)
	within(t, "text", message.Text, 3000) // truncated at 40,000, and meant as a summary
	if len(message.Blocks) != 1 || message.Blocks[0].Type != "section" {
		t.Fatal(output)
	}
	text := message.Blocks[0].Text
	within(t, "block", text.Text, 3000)
	if text.Type != "mrkdwn" || !text.Verbatim || len(slackDate.FindAllString(text.Text, -1)) != 1 {
		t.Error(output)
	}
	for _, s := range []string{message.Text, slackDate.ReplaceAllString(text.Text, "")} {
		if !slackText.MatchString(s) {
			t.Errorf("markup in %q", s)
		}
	}
}

// https://learn.microsoft.com/adaptive-cards/schema-explorer/rich-text-block
func checkTeams(t *testing.T, output string) {
	t.Helper()
	type run struct{ Type, Text, Weight string }
	var message struct {
		Type        string
		Attachments []struct {
			ContentType string
			ContentURL  *string `json:"contentUrl"`
			Content     struct {
				Schema        string `json:"$schema"`
				Type, Version string
				Body          []struct {
					Type    string
					Text    string
					Wrap    bool
					Inlines []run
				}
			}
		}
	}
	strict(t, output, &message)
	if len(output) > 28<<10 {
		t.Errorf("%d bytes, more than 28 KB", len(output))
	}
	if message.Type != "message" || len(message.Attachments) != 1 || message.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		t.Fatal(output)
	}
	card := message.Attachments[0].Content
	if card.Type != "AdaptiveCard" || card.Version != "1.2" || len(card.Body) == 0 {
		t.Error(output)
	}
	for _, element := range card.Body {
		switch element.Type {
		case "RichTextBlock": // has no Markdown
			for _, r := range element.Inlines {
				if r.Type != "TextRun" || r.Text == "" {
					t.Error(output)
				}
			}
		case "TextBlock": // has Markdown, so nothing of the call but its time
			if element.Text != "{{DATE(2023-08-30T10:04:13Z, SHORT)}} {{TIME(2023-08-30T10:04:13Z)}}" {
				t.Errorf("%q is Markdown", element.Text)
			}
		default:
			t.Error(element.Type)
		}
	}
}

// unescaped matches characters with a meaning that have no backslash before them.
var unescaped = regexp.MustCompile("(^|[^\\\\])(\\\\\\\\)*[*_~`|<>@#\\[\\]]")

// https://docs.discord.com/developers/resources/webhook#execute-webhook
func checkDiscord(t *testing.T, output string) {
	t.Helper()
	var message struct {
		Content         string
		AllowedMentions struct{ Parse []string } `json:"allowed_mentions"`
		Flags           int
	}
	strict(t, output, &message)
	within(t, "content", message.Content, 2000)
	if message.AllowedMentions.Parse == nil || len(message.AllowedMentions.Parse) != 0 {
		t.Errorf("mentions are allowed: %s", output)
	}
	text, ok := strings.CutPrefix(message.Content, "**Missed call** from ")
	text = strings.Replace(text, "<t:1693389853:f>", "", 1)
	if !ok || unescaped.MatchString(text) {
		t.Errorf("markup in %q", text)
	}
}

// https://developers.google.com/workspace/chat/api/reference/rest/v1/cards
func checkGoogleChat(t *testing.T, output string) {
	t.Helper()
	var message struct {
		CardsV2 []struct {
			CardID string
			Card   struct {
				Header   struct{ Title, Subtitle string }
				Sections []struct {
					Widgets []struct {
						DecoratedText struct {
							TopLabel, Text string
							WrapText       bool
						}
					}
				}
			}
		}
	}
	strict(t, output, &message)
	if len(output) > 32_000 {
		t.Errorf("%d bytes", len(output))
	}
	if len(message.CardsV2) != 1 || len(message.CardsV2[0].Card.Sections) != 1 {
		t.Fatal(output)
	}
	card := message.CardsV2[0].Card
	if card.Header.Title != "Missed call" || card.Header.Subtitle == "" || len(card.Sections[0].Widgets) == 0 {
		t.Error(output)
	}
	for _, w := range card.Sections[0].Widgets {
		if w.DecoratedText.TopLabel == "" || w.DecoratedText.Text == "" || strings.ContainsAny(w.DecoratedText.Text, "<>") {
			t.Errorf("%+v", w)
		}
	}
}

func checkMail(t *testing.T, output string) {
	t.Helper()
	mail, err := template.ReadMail([]byte(output))
	if err != nil {
		t.Fatal(err)
	}
	within(t, "subject", mail.Subject, 150)
	if !strings.HasPrefix(mail.Subject, "Missed call from ") || strings.ContainsAny(mail.Subject, "\r\n\x00\x1b\u202e") {
		t.Errorf("subject %q", mail.Subject)
	}
	if n := strings.Count(mail.Text, "\n"); n > 9 || strings.ContainsAny(mail.Text, "\r\x00\x1b\u2028\u202e") {
		t.Errorf("%d lines: %q", n, mail.Text)
	}
	within(t, "text", mail.Text, 2000)
}

// https://developers.hubspot.com/docs/api/crm/calls
func checkHubSpot(t *testing.T, output string) {
	t.Helper()
	var call struct{ Properties map[string]string }
	strict(t, output, &call)
	for name, pattern := range map[string]string{
		"hs_timestamp":        `^1693389853611$`,
		"hs_call_title":       `^Call (from|to) .{1,250}$`,
		"hs_call_body":        `^[^<>]+$`, // is shown as HTML
		"hs_call_direction":   `^(INBOUND|OUTBOUND)$`,
		"hs_call_duration":    `^65250$`,
		"hs_call_status":      `^(COMPLETED|BUSY|NO_ANSWER)$`,
		"hs_call_from_number": `^.{0,40}$`,
		"hs_call_to_number":   `^.{1,40}$`,
	} {
		if value, ok := call.Properties[name]; !ok || !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("%s is %q, want %s", name, value, pattern)
		}
		delete(call.Properties, name)
	}
	if len(call.Properties) > 0 {
		t.Errorf("unknown properties %v", call.Properties)
	}
}

// https://developers.pipedrive.com/docs/api/v1/CallLogs#addCallLog
func checkPipedrive(t *testing.T, output string) {
	t.Helper()
	var call struct {
		Subject, Outcome, Duration, Note string
		From                             string `json:"from_phone_number"`
		To                               string `json:"to_phone_number"`
		Start                            string `json:"start_time"`
		End                              string `json:"end_time"`
	}
	strict(t, output, &call)
	within(t, "subject", call.Subject, 255)
	within(t, "from", call.From, 40)
	within(t, "to", call.To, 40)
	within(t, "note", call.Note, 3000)
	if !regexp.MustCompile(`^(connected|no_answer|busy)$`).MatchString(call.Outcome) || call.Duration != "65" || strings.ContainsAny(call.Note, "<>") {
		t.Errorf("%+v", call)
	}
	for _, at := range []string{call.Start, call.End} {
		if _, err := time.Parse(time.DateTime, at); err != nil {
			t.Error(err)
		}
	}
}

// https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket
func checkZendesk(t *testing.T, output string) {
	t.Helper()
	var body struct {
		Ticket struct {
			Subject string
			Comment struct {
				Body   string
				Public *bool
			}
			ExternalID string `json:"external_id"`
			Tags       []string
		}
	}
	strict(t, output, &body)
	within(t, "subject", body.Ticket.Subject, 150)
	within(t, "comment", body.Ticket.Comment.Body, 2000)
	if body.Ticket.ExternalID != "call_1.1" || len(body.Ticket.Tags) != 2 || body.Ticket.Comment.Public == nil || *body.Ticket.Comment.Public {
		t.Error(output)
	}
	if strings.Count(body.Ticket.Comment.Body, "\n") != 4 {
		t.Errorf("%q", body.Ticket.Comment.Body)
	}
}

var uriReference = regexp.MustCompile(`^/wildix/([A-Za-z0-9._~+-]|%[0-9A-F]{2})*/[0-9a-z]*$`)
