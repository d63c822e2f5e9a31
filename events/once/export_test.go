package once

import (
	"context"
	"time"
)

// LocalMemory is what a process remembers of one handler's events, as the
// Memory that it would be if others could ask it.
type LocalMemory struct{ *local }

func NewLocal(size int) LocalMemory { return LocalMemory{newLocal(size)} }

func (m LocalMemory) Begin(_ context.Context, key Key, owner uint64, lease time.Duration) (Answer, error) {
	return m.begin(key.Delivery, owner, lease), nil
}

func (m LocalMemory) Done(_ context.Context, key Key, keep time.Duration) error {
	m.finish(key.Delivery, keep)
	return nil
}

func (m LocalMemory) Release(_ context.Context, key Key, owner uint64) error {
	m.release(key.Delivery, owner)
	return nil
}
