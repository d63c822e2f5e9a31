package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestWorkersThatStartTogetherMigrateOnce(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		var starts sync.WaitGroup
		for range 8 {
			starts.Go(func() {
				s, err := New(Config{URL: db.url})
				if err == nil {
					err = s.Connect(context.Background())
				}
				if err == nil {
					err = s.Close()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		if n := db.count(t, "migrations"); n != 1 {
			t.Errorf("%d migrations", n)
		}
	})
}

func TestDatabaseOfANewerVersionIsNotTouched(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		db.open(t)
		db.exec(t, "INSERT INTO migrations (number) VALUES (99)")
		if err := storeOf(t, db.url).Connect(t.Context()); !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "run a newer one") {
			t.Errorf("got %v", err)
		}
	})
}
