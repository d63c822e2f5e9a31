package queue

import (
	"encoding/base64"
	"encoding/binary"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// receipt is what a receipt handle encodes: one receive of one message of one queue. The receive's number, which is the message's
// receive count, distinguishes the handle of the latest receive from older ones.
type receipt struct {
	queue, message, receive uint64
}

const receiptSize = 3 * 8

// handle returns the receipt handle.
func (r receipt) handle() string {
	var raw [receiptSize]byte
	binary.BigEndian.PutUint64(raw[0:], r.queue)
	binary.BigEndian.PutUint64(raw[8:], r.message)
	binary.BigEndian.PutUint64(raw[16:], r.receive)
	return base64.StdEncoding.EncodeToString(raw[:])
}

func parseReceipt(handle string) (receipt, error) {
	raw, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || len(raw) != receiptSize {
		return receipt{}, sqserr.HandleInvalid
	}
	return receipt{
		queue:   binary.BigEndian.Uint64(raw[0:]),
		message: binary.BigEndian.Uint64(raw[8:]),
		receive: binary.BigEndian.Uint64(raw[16:]),
	}, nil
}
