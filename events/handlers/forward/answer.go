package forward

import (
	"bytes"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"wildix-worker/events"
)

const (
	// maxAnswer is how many characters of an error answer are in an error.
	maxAnswer = 300
	// maxHead is how many bytes of an answer are looked at. HTML has its text far behind.
	maxHead = 16 << 10
)

// An answer is the beginning of a response's body.
type answer struct {
	head []byte
	// complete reports whether it is the whole body.
	complete bool
}

// A quoter quotes the error answers of an endpoint.
type quoter struct {
	secrets secrets
	mask    bool
}

// quote returns what an error answer says: one line of text without what is secret, or
// nothing if the answer is no text. signature is that of the request.
func (q *quoter) quote(header http.Header, a answer, signature string) string {
	if header.Get("Content-Encoding") != "" {
		return "" // compressed, although we accept no compression
	}
	text := oneLine(answerText(header.Get("Content-Type"), a.head))
	if !a.complete {
		text = q.secrets.withoutCut(text)
	}
	text = q.secrets.hide(text)
	if signature != "" {
		text = strings.ReplaceAll(text, signature, hiddenText)
	}
	if q.mask {
		text = events.MaskText(text)
	}
	return shorten(text)
}

// answerText returns the text of an answer, or nothing if it is no text.
func answerText(contentType string, head []byte) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = http.DetectContentType(head)
		kind, _, _ = strings.Cut(kind, ";")
	}
	switch {
	case kind == "text/html" || kind == "application/xhtml+xml":
		return htmlText(head)
	case strings.HasPrefix(kind, "text/"), strings.HasPrefix(kind, "application/") && !bytes.ContainsRune(head, 0):
		return string(head)
	default:
		return ""
	}
}

// htmlText returns the text of a page, with its title.
func htmlText(page []byte) string {
	var text strings.Builder
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for unseen := false; ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return text.String()
		case html.StartTagToken:
			name, _ := tokens.TagName()
			unseen = string(name) == "script" || string(name) == "style"
			text.WriteByte(' ')
		case html.EndTagToken, html.SelfClosingTagToken:
			unseen = false
			text.WriteByte(' ')
		case html.TextToken:
			if !unseen {
				text.Write(tokens.Text())
			}
		default:
		}
	}
}

// oneLine returns a text without control characters and without those that change the
// direction of writing. White space becomes one space.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\ufffd"))
	return strings.Join(strings.Fields(text), " ")
}

// shorten cuts a text to maxAnswer characters.
func shorten(text string) string {
	count := 0
	for i := range text {
		if count++; count > maxAnswer {
			return text[:i] + "…"
		}
	}
	return text
}
