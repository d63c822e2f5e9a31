package calls

import (
	"encoding/json"
	"iter"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
)

// A callOutput is a call in JSON.
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
