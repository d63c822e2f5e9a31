package calls

import (
	"encoding/csv"
	"iter"
	"math"
	"regexp"
	"strconv"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
)

var csvNames = []string{
	"id", "company", "pbx", "start", "answeredAt", "end", "direction", "callerType", "callerPhone", "callerName", "callerCompany",
	"callerEmail", "callerExtension", "callerGroup", "calleeType", "calleePhone", "calleeName", "calleeCompany", "calleeEmail",
	"calleeExtension", "calleeGroup", "destination", "queue", "trunk", "status", "endCause", "endCauseStr", "endBy", "answered", "missed",
	"seconds", "waited",
}

// A csvFormat writes comma-separated values that no spreadsheet takes for formulas.
type csvFormat struct {
	separator rune
	// excel is set for Excel, which recognizes UTF-8 by a byte order mark, reads times without
	// a zone, and reads 1.5 as a date where the decimal separator is a comma.
	excel bool
	zone  *time.Location // of excel's times
}

func (f csvFormat) list(out *term.Printer, calls iter.Seq2[calls.Record, error]) error {
	if f.excel && out.Printf("\ufeff") != nil {
		return nil // the error is in out.Err()
	}
	w := csv.NewWriter(out.Out)
	w.Comma = f.separator
	if err := w.Write(csvNames); err != nil {
		return err
	}
	for r, err := range calls {
		if err != nil {
			w.Flush()
			return err
		}
		if w.Write(f.row(&r)) != nil {
			break
		}
	}
	w.Flush()
	return w.Error()
}

func (f csvFormat) row(r *calls.Record) []string {
	row := []string{f.text(r.ID), f.text(r.Company), f.text(r.PBX), f.time(r.Start), f.time(r.AnsweredAt), f.time(r.End), string(r.Direction)}
	for _, p := range []calls.Party{r.Caller, r.Callee} {
		for _, s := range []string{p.Type, p.Phone, p.Name, p.Company, p.Email, p.Extension, p.Group} {
			row = append(row, f.text(s))
		}
	}
	for _, s := range []string{r.Destination, r.Queue, r.Trunk, r.Status, r.EndCause, r.EndCauseStr, r.EndBy} {
		row = append(row, f.text(s))
	}
	return append(row, strconv.FormatBool(r.Answered), strconv.FormatBool(r.Missed), f.seconds(r.Duration()), f.seconds(r.Waited()))
}

var (
	number = regexp.MustCompile(`^[+-]?[0-9][0-9 ]*(\.[0-9]+)?$`)
	// formula is how a formula begins, or would begin if the file were split at another
	// separator than it was written with. Some versions accept the wide characters.
	formula = regexp.MustCompile(`(^|[,;])(["\s]*)([=@+\-＝＠＋－])`)
	// changed are texts that Excel turns into a number, a date or a time and shows in
	// another way, unlike short whole numbers.
	changed = regexp.MustCompile(`^[+-]?[0-9][0-9 .,:/eE+-]*$`)
	short   = regexp.MustCompile(`^(0|[1-9][0-9]{0,10})$`)
)

// text returns a cell with a text from an event, which may be any. A text that is a formula gets
// an apostrophe, and no longer is one.
func (f csvFormat) text(s string) string {
	s = term.Printable(s)
	if f.excel && changed.MatchString(s) && !short.MatchString(s) {
		return `="` + s + `"` // a formula whose value is the text: +12025550100 stays that
	}
	if number.MatchString(s) {
		return s
	}
	return formula.ReplaceAllString(s, "$1$2'$3")
}

func (f csvFormat) time(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case f.excel:
		return t.In(f.zone).Format(time.DateTime)
	default:
		return *term.Timestamp(t)
	}
}

func (f csvFormat) seconds(d time.Duration) string {
	seconds := d.Seconds()
	if f.excel {
		seconds = math.Round(seconds)
	}
	return strconv.FormatFloat(seconds, 'f', -1, 64)
}
