package handlers

import (
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events/handlers/store"
)

type storeSettings struct {
	config.Store   `embed:""`
	StoreRetention config.Age `placeholder:"AGE" env:"WILDIX_STORE_RETENTION" help:"How long the store handler keeps calls and events, such as 90d; at least 1d. Without it, forever."`
}

func (s *Settings) store(file *config.File, log *zap.Logger, faults *config.Faults) destination.Destination {
	cfg := s.StoreConfig(file, faults)
	cfg.Logger, cfg.Retention = log, s.StoreRetention.Duration
	h, err := store.New(cfg)
	faults.Fields(cfg.Validate()).Add("Retention", "--store-retention (WILDIX_STORE_RETENTION)", s.StoreRetention.Err)
	if err != nil {
		return destination.Destination{} // the faults have been added
	}
	return destination.Destination{
		Handler: h, Connect: h.Connect, Close: h.Close, Preview: preview.Database(), Database: cfg.URL,
		Target: h.Target(), Check: h.Check,
	}
}
