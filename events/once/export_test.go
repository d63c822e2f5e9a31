package once

import (
	"context"
	"sync"
	"time"

	"wildix-worker/internal/newest"
)

// A LocalStore makes the stores of this process's handlers a Store, so that workers in
// a test can share it.
type LocalStore struct {
	size int

	mu     sync.Mutex
	stores map[string]*localStore // by handler
}

func NewLocalStore(size int) *LocalStore {
	return &LocalStore{size: size, stores: make(map[string]*localStore)}
}

func (s *LocalStore) of(key Key) *localStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stores[key.Handler] == nil {
		s.stores[key.Handler] = newLocalStore(s.size)
	}
	return s.stores[key.Handler]
}

func (s *LocalStore) Begin(_ context.Context, key Key, owner uint64, lease time.Duration) (Claim, error) {
	return s.of(key).begin(newest.KeyOf(key.Delivery), owner, lease), nil
}

func (s *LocalStore) Done(_ context.Context, key Key, keep time.Duration) error {
	s.of(key).finish(newest.KeyOf(key.Delivery), keep)
	return nil
}

func (s *LocalStore) Release(_ context.Context, key Key, owner uint64) error {
	s.of(key).release(newest.KeyOf(key.Delivery), owner)
	return nil
}
