package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wildix-worker/consumer/metrics"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A receiver whose requests and handler are measured. A consumer is measured the same
// way, with Metrics.Consumer instead of Metrics.Receiver.
func Example() {
	registry := prometheus.NewRegistry()
	m := metrics.New(registry)
	crm := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })

	keys, err := signature.NewKeyring(signature.Key{Secret: "the integration's secret"})
	if err != nil {
		panic(err)
	}
	receiver, err := webhook.New(webhook.Config{Keys: keys, Handler: m.Handler("crm")(crm), Observe: m.Observe})
	if err != nil {
		panic(err)
	}
	m.Receiver(receiver.Stats)

	body := `{"id":"example_1693389850.110","type":"call:end","time":1693389853611}`
	request := httptest.NewRequest(http.MethodPost, webhook.Path, strings.NewReader(body))
	request.Header.Set("X-Signature", signature.Sign("the integration's secret", []byte(body)))
	receiver.ServeHTTP(httptest.NewRecorder(), request)

	scrape := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.HasPrefix(line, "wildix_messages_total") || strings.HasPrefix(line, "wildix_handler_seconds_count") {
			fmt.Print(line)
		}
	}
	// Output:
	// wildix_handler_seconds_count{handler="crm"} 1
	// wildix_messages_total{outcome="failed",type="none"} 0
	// wildix_messages_total{outcome="handled",type="call:end"} 1
	// wildix_messages_total{outcome="malformed",type="none"} 0
	// wildix_messages_total{outcome="rejected",type="none"} 0
}
