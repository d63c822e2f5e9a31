package template

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// print writes values like fmt.Sprint, println like fmt.Sprintln.
func (r *run) print(values ...any) (string, error) {
	return r.printEach(func(w *strings.Builder, i int) {
		if i > 0 && !isText(values[i-1]) && !isText(values[i]) {
			w.WriteByte(' ')
		}
		fmt.Fprint(w, values[i])
	}, len(values))
}

func isText(value any) bool {
	_, ok := value.(string)
	return ok
}

func (r *run) println(values ...any) (string, error) {
	text, err := r.printEach(func(w *strings.Builder, i int) {
		if i > 0 {
			w.WriteByte(' ')
		}
		fmt.Fprint(w, values[i])
	}, len(values))
	return text + "\n", err
}

// printEach writes n values one after another, so that it stops at the limit.
func (r *run) printEach(write func(w *strings.Builder, i int), n int) (string, error) {
	var text strings.Builder
	for i := range n {
		write(&text, i)
		if text.Len() > maxText {
			return "", errText
		}
	}
	return r.result(text.String())
}

const maxWidth = 1000

// A verb is one of printf's. Indexes of arguments, with which a short format makes a long
// text, and * are not among them.
var verb = regexp.MustCompile(`%[-+# 0]*(\d*)(?:\.(\d*))?([bcdeEfFgGoOqstUvxX%])`)

// printf formats values like fmt.Sprintf.
func (r *run) printf(format string, values ...any) (string, error) {
	if err := r.spend(len(format)); err != nil {
		return "", err
	}
	var text strings.Builder
	next := 0
	for {
		at := verb.FindStringSubmatchIndex(format)
		if strings.IndexByte(format, '%') >= 0 && (at == nil || strings.IndexByte(format, '%') < at[0]) {
			return "", errors.New("a % without one of the verbs %s, %d, %q, %v, %t, %x, %f; write %% for the character")
		}
		if at == nil {
			break
		}
		text.WriteString(format[:at[0]])
		directive := format[at[0]:at[1]]
		width, precision, kind := group(format, at, 1), group(format, at, 2), group(format, at, 3)
		format = format[at[1]:]
		if tooWide(width) || tooWide(precision) {
			return "", fmt.Errorf("a width or precision of more than %d", maxWidth)
		}
		if kind == "%" {
			text.WriteByte('%')
			continue
		}
		if next == len(values) {
			return "", errors.New("more verbs than arguments")
		}
		fmt.Fprintf(&text, directive, values[next])
		next++
		if text.Len() > maxText {
			return "", errText
		}
	}
	if next < len(values) {
		return "", errors.New("more arguments than verbs")
	}
	text.WriteString(format)
	return r.result(text.String())
}

func group(text string, at []int, n int) string {
	if at[2*n] < 0 {
		return ""
	}
	return text[at[2*n]:at[2*n+1]]
}

func tooWide(digits string) bool {
	n, err := strconv.Atoi("0" + digits)
	return err != nil || n > maxWidth
}
