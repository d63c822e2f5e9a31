package calls

import (
	"encoding/csv"
	"encoding/json"
	"iter"
	"strconv"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
)

// A callOutput is a call in JSON and CSV.
type callOutput struct {
	ID          string      `json:"id"`
	Company     string      `json:"company"`
	PBX         string      `json:"pbx"`
	Start       string      `json:"start"`
	AnsweredAt  *string     `json:"answeredAt"`
	End         *string     `json:"end"`
	Direction   string      `json:"direction"`
	Caller      partyOutput `json:"caller"`
	Callee      partyOutput `json:"callee"`
	Destination string      `json:"destination"`
	Queue       string      `json:"queue"`
	Trunk       string      `json:"trunk"`
	Status      string      `json:"status"`
	EndCause    string      `json:"endCause"`
	EndCauseStr string      `json:"endCauseStr"`
	EndBy       string      `json:"endBy"`
	Answered    bool        `json:"answered"`
	Missed      bool        `json:"missed"`
	Seconds     float64     `json:"seconds"` // from start to end
	Waited      float64     `json:"waited"`  // seconds until it was answered or ended
}

type partyOutput struct {
	Type      string `json:"type"`
	Phone     string `json:"phone"`
	Name      string `json:"name"`
	Company   string `json:"company"`
	Email     string `json:"email"`
	Extension string `json:"extension"`
	Group     string `json:"group"`
}

func callOutputOf(r *calls.Record) callOutput {
	return callOutput{
		ID: r.ID, Company: r.Company, PBX: r.PBX, Start: *term.Timestamp(r.Start), AnsweredAt: term.Timestamp(r.AnsweredAt), End: term.Timestamp(r.End),
		Direction: string(r.Direction), Caller: partyOutput(r.Caller), Callee: partyOutput(r.Callee), Destination: r.Destination,
		Queue: r.Queue, Trunk: r.Trunk, Status: r.Status, EndCause: r.EndCause, EndCauseStr: r.EndCauseStr, EndBy: r.EndBy,
		Answered: r.Answered, Missed: r.Missed, Seconds: r.Duration().Seconds(), Waited: r.Waited().Seconds(),
	}
}

func listJSON(out *term.Printer, calls iter.Seq2[calls.Record, error]) error {
	for r, err := range calls {
		if err != nil {
			return err
		}
		text, err := json.Marshal(callOutputOf(&r))
		if err != nil {
			return err
		}
		if out.Printf("%s\n", term.PrintableJSON(text)) != nil {
			break // the error is in out.Err()
		}
	}
	return nil
}

var csvNames = []string{
	"id", "company", "pbx", "start", "answeredAt", "end", "direction", "callerType", "callerPhone", "callerName", "callerCompany",
	"callerEmail", "callerExtension", "callerGroup", "calleeType", "calleePhone", "calleeName", "calleeCompany", "calleeEmail",
	"calleeExtension", "calleeGroup", "destination", "queue", "trunk", "status", "endCause", "endCauseStr", "endBy", "answered", "missed",
	"seconds", "waited",
}

func listCSV(out *term.Printer, calls iter.Seq2[calls.Record, error]) error {
	w := csv.NewWriter(out.Out)
	if err := w.Write(csvNames); err != nil {
		return err
	}
	for r, err := range calls {
		if err != nil {
			w.Flush()
			return err
		}
		if w.Write(csvRow(callOutputOf(&r))) != nil {
			break
		}
	}
	w.Flush()
	return w.Error()
}

func csvRow(c callOutput) []string {
	row := []string{c.ID, c.Company, c.PBX, c.Start, value(c.AnsweredAt), value(c.End), c.Direction}
	for _, p := range []partyOutput{c.Caller, c.Callee} {
		row = append(row, p.Type, p.Phone, p.Name, p.Company, p.Email, p.Extension, p.Group)
	}
	row = append(row, c.Destination, c.Queue, c.Trunk, c.Status, c.EndCause, c.EndCauseStr, c.EndBy,
		strconv.FormatBool(c.Answered), strconv.FormatBool(c.Missed), decimal(c.Seconds), decimal(c.Waited))
	for i := range row {
		row[i] = term.Printable(row[i])
	}
	return row
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
