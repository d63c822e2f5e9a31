package demo

import (
	"context"
	"fmt"

	"wildix-worker/consumer/metrics"
	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/events/route"
)

// destinations are the two that get the demo's events: log, which prints them, and crm, an
// HTTP endpoint that is down for a while.
type destinations struct {
	*route.Router
	screen  *screen
	crm     *crm
	forward *forward.Handler
	records []*record // in the order of the router's
}

func newDestinations(screen *screen, m *metrics.Metrics) (*destinations, error) {
	endpoint, err := startCRM()
	if err != nil {
		return nil, fmt.Errorf("start the CRM: %w", err)
	}
	toCRM, err := forward.New(forward.Config{URL: endpoint.URL})
	if err != nil {
		return nil, err
	}
	logged := &deliveries{}
	toLog := events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		if err := screen.HandleEvent(ctx, e); err != nil {
			return err
		}
		logged.add(e.DeliveryKey())
		return nil
	})
	const logName, crmName = "log", "crm"
	router, err := route.New(route.Config{Destinations: []route.Destination{
		{Name: logName, Handler: m.Handler(logName)(toLog)},
		{Name: crmName, Handler: m.Handler(crmName)(toCRM)},
	}})
	if err != nil {
		return nil, err
	}
	m.Destinations(router.Stats)
	m.HTTPResponses(func() map[string]map[string]uint64 { return map[string]map[string]uint64{crmName: toCRM.Responses()} })
	return &destinations{
		Router: router, screen: screen, crm: endpoint, forward: toCRM,
		records: []*record{{name: logName, deliveries: logged}, {name: crmName, deliveries: &endpoint.deliveries}},
	}, nil
}

func (d *destinations) Close() {
	d.forward.Close()
	d.crm.Close()
}
