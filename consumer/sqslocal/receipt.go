package sqslocal

import (
	"encoding/base64"
	"encoding/binary"
)

// receipt is what a receipt handle stands for: one receive of one message of one queue. Its numbers make finding the message a map
// lookup, and tell a handle of an earlier receive from the current one.
type receipt struct {
	queue, message, receive uint64
}

const receiptSize = 3 * 8

// handle returns the receipt as clients see it.
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
		return receipt{}, errHandleInvalid
	}
	return receipt{
		queue:   binary.BigEndian.Uint64(raw[0:]),
		message: binary.BigEndian.Uint64(raw[8:]),
		receive: binary.BigEndian.Uint64(raw[16:]),
	}, nil
}
