package destination

import "testing"

func TestEventsToPublicHostsWithoutTLSAreCautionedAgainst(t *testing.T) {
	for url, want := range map[string]bool{
		"http://crm.example.com/calls": true, "http://192.0.2.7/": true, "http://[2001:db8::1]:8080/": true, "http://crm.example.com./": true,

		"https://crm.example.com/": false, "http://localhost:8080/": false, "http://127.0.0.1/": false, "http://[::1]/": false,
		"http://10.1.2.3/": false, "http://[fd12::1]/": false, "http://[::ffff:192.168.1.1]/": false, "http://100.101.102.103/": false,
		"http://crm/": false, "http://crm.internal/": false, "http://crm.prod.svc/": false, "http://CRM.local:80/": false,
	} {
		if got := cautionOf(url); (got != "") != want {
			t.Errorf("%s: %q", url, got)
		}
	}
}
