package tunnel

import (
	"errors"
	"sync"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
)

// A state is whether a tunnel is open, and what was logged about it.
type state struct {
	path   string // of the webhook
	log    *zap.Logger
	outage *outage.Log

	mu  sync.Mutex
	url string // the latest; empty before the first
	up  bool
}

func newState(path string, log *zap.Logger) state {
	return state{path: path, log: log, outage: outage.New(outage.Config{
		Logger:  log,
		Failing: "tunnel is down, will go on trying",
		Level:   zap.WarnLevel,
		Working: "tunnel is up again",
	})}
}

// Ready returns an error if the tunnel is down.
func (s *state) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		return errors.New("the tunnel is down")
	}
	return nil
}

// opened records that the tunnel is open at a URL, and logs a URL that is new.
func (s *state) opened(url string) {
	s.mu.Lock()
	isNew := s.url != url
	s.url, s.up = url, true
	s.mu.Unlock()
	s.outage.Succeeded(zap.String("url", url+s.path))
	if isNew {
		s.log.Info("public URL, for development only: in WMS, add a Webhook integration of the type WEBHOOK with this target, and put the secret that WMS generates into WILDIX_SECRET",
			zap.String("url", url+s.path))
	}
}

// reopened records that the tunnel is open again, if it was open before.
func (s *state) reopened() {
	s.mu.Lock()
	url := s.url
	s.mu.Unlock()
	if url != "" {
		s.opened(url)
	}
}

// lost records that the tunnel is down, and returns how often in a row it could not be
// opened.
func (s *state) lost(err error) (failures int) {
	s.mu.Lock()
	s.up = false
	s.mu.Unlock()
	return s.outage.Failed(err)
}
