package handlers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/events/handlers/store"
)

// startTimeout limits how long a database that does not answer delays the start.
const startTimeout = 5 * time.Second

// connectAll connects destinations at the same time. A database that does not answer is a
// destination that is down, as if that had happened later: the next events connect.
func connectAll(ctx context.Context, handlers []destination.Destination, log *zap.Logger) error {
	errs := make([]error, len(handlers))
	var connecting sync.WaitGroup
	for i, h := range handlers {
		if h.Caution != "" {
			log.Warn(h.Caution, zap.String("destination", h.Name))
		}
		if h.Connect == nil {
			continue
		}
		connecting.Go(func() {
			if err := connectOne(ctx, h, log); err != nil {
				errs[i] = fmt.Errorf("handler %s: %w", h.Name, err)
			}
		})
	}
	connecting.Wait()
	return errors.Join(errs...)
}

func connectOne(ctx context.Context, h destination.Destination, log *zap.Logger) error {
	if h.Database == "" {
		return h.Connect(ctx)
	}
	return connectDatabase(ctx, h.Name, h.Connect, log)
}

// connectDatabase returns an error only if no later try can succeed.
func connectDatabase(ctx context.Context, name string, connect func(context.Context) error, log *zap.Logger) error {
	limited, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := connect(limited)
	if errors.Is(err, store.ErrUnusable) {
		return err
	}
	if err != nil && ctx.Err() == nil {
		log.Warn("database does not answer, starting anyway", zap.String("destination", name), zap.Error(err))
	}
	return nil
}
