package awsclient

import (
	"net/http"
	"testing"
)

// http.ProxyFromEnvironment reads the environment once, so that this test is the only one
// that may set it.
func TestProxyNeverGetsRequestsForCredentials(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example.com:3128")
	for url, direct := range map[string]bool{
		"http://169.254.169.254/latest/meta-data/": true,
		"http://169.254.170.2/v2/credentials":      true,
		"http://169.254.170.23/v1/credentials":     true,
		"http://[fd00:ec2::254]/latest":            true,
		"http://[fd00:ec2::23]/v1/credentials":     true,
		"http://[fe80::1%25eth0]/":                 true,
		"http://192.0.2.1/":                        false,
		"http://sqs.example.com/":                  false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if proxy, err := proxyOf(r); err != nil || (proxy == nil) != direct {
			t.Errorf("%s by proxy %v, %v", url, proxy, err)
		}
	}
}
