package console

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
)

// maxListed is how many dead letters are listed, and may be chosen.
const maxListed = 50

// deadLetters lists and redrives dead letters, one request at a time.
type deadLetters struct {
	find    func(context.Context) (*deadletter.Queue, error)
	log     *zap.Logger
	mask    mask
	closed  <-chan struct{} // when the console ends
	running sync.WaitGroup

	mu    sync.Mutex
	busy  string     // what is being done; empty for nothing
	ended bool       // nothing may begin
	last  redriveRow // the redrive that runs, or else the last
}

var (
	errEnding   = errors.New("the worker is stopping")
	errNoChoice = errors.New("no messages are chosen")
)

// begin reserves the dead letters until done is called.
func (d *deadLetters) begin(what string) (done func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ended:
		return nil, errEnding
	case d.busy != "":
		return nil, errors.New(d.busy + "; try again when that is done")
	}
	d.busy = what
	d.running.Add(1)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.busy = ""
		d.running.Done()
	}, nil
}

// wait ends the dead letters, and waits for what is being done.
func (d *deadLetters) wait() {
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.running.Wait()
}

// A letterList is the answer to a request to list dead letters.
type letterList struct {
	Visible int         `json:"visible"` // approximately
	Letters []letterRow `json:"letters"`
	Warning string      `json:"warning"`
}

// A letterRow is a dead letter as the page shows it.
type letterRow struct {
	MessageID string `json:"messageId"`
	SentAt    int64  `json:"sentAt"` // 0 if it is not known
	Receives  int    `json:"receives"`
	Type      string `json:"type"` // empty unless the message is valid
	ID        string `json:"id"`
	Verdict   string `json:"verdict"`
	Reason    string `json:"reason"`
}

// list receives dead letters and returns them to their queue.
func (d *deadLetters) list(r *http.Request, _ struct{}) (letterList, error) {
	done, err := d.begin("the dead letters are being listed")
	if err != nil {
		return letterList{}, err
	}
	defer done()
	q, err := d.find(r.Context())
	if err != nil {
		return letterList{}, err
	}
	sample, err := q.Sample(r.Context(), maxListed)
	if err != nil {
		return letterList{}, err
	}
	d.log.Info("dead letters listed on the console", zap.String("remote", r.RemoteAddr), zap.Int("messages", len(sample)))
	list := letterList{Visible: max(q.Visible(), len(sample)), Letters: make([]letterRow, len(sample))}
	if q.HasRedrivePolicy() {
		list.Warning = "The dead-letter queue has a redrive policy itself: SQS moves on a message that is received, or listed here, too often."
	}
	for i := range sample {
		list.Letters[i] = d.letterRow(&sample[i])
	}
	return list, nil
}

// shownError returns the text of an error that is about a queue, and so of no person: the
// numbers of accounts and messages stay.
func shownError(err error) string { return plain(cut(err.Error(), 2*maxReason)) }

func (d *deadLetters) letterRow(m *deadletter.Message) letterRow {
	row := letterRow{
		MessageID: printable(aws.ToString(m.MessageId)), Receives: m.ReceiveCount(),
		Verdict: m.Verdict.Result, Reason: d.mask.failure(m.Verdict.Reason),
	}
	if sent := m.SentAt(); !sent.IsZero() {
		row.SentAt = sent.UnixMilli()
	}
	if e := m.Verdict.Event; e != nil {
		row.Type, row.ID = d.mask.text(e.Type), d.mask.id(e.ID)
	}
	return row
}
