package handlers

import (
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/events/handlers/store"
)

func (s *Settings) store(_ *zap.Logger, faults *config.Faults) namedHandler {
	h, err := store.New(s.StoreConfig(faults))
	if err != nil {
		return namedHandler{} // StoreConfig has added the fault
	}
	return namedHandler{Handler: h, connect: h.Connect, close: h.Close}
}
