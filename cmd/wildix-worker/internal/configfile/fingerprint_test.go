package configfile

import (
	"os"
	"path/filepath"
	"testing"
)

func fingerprint(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := Read(name)
	if lines := f.Faults.Lines(); len(lines) > 0 {
		t.Fatal(lines)
	}
	return f.Root.Get("crm").Fingerprint()
}

func TestFingerprintIsOfTheValue(t *testing.T) {
	t.Setenv("CRM_URL", "https://crm.example.com/")
	const text = "crm:\n  url: ${CRM_URL}\n  on: [a, b]\n"
	first := fingerprint(t, text)
	for name, same := range map[string]string{
		"other keys, comments and places": "timeout: 3s\n# the CRM\ncrm:\n    url: ${CRM_URL} # secret\n    on: [a, b]\n",
		"another order":                   "crm:\n  on:\n  - a\n  - b\n  url: ${CRM_URL}\n",
		"the value of the variable":       "crm:\n  url: https://crm.example.com/\n  on: [a, b]\n",
	} {
		if fingerprint(t, same) != first {
			t.Errorf("%s: another fingerprint", name)
		}
	}
	others := map[string]string{
		"another URL":      "crm:\n  url: https://crm.example.com/2\n  on: [a, b]\n",
		"another item":     "crm:\n  url: ${CRM_URL}\n  on: [a, c]\n",
		"joined items":     "crm:\n  url: ${CRM_URL}\n  on: [ab]\n",
		"order of items":   "crm:\n  url: ${CRM_URL}\n  on: [b, a]\n",
		"another key":      "crm:\n  url: ${CRM_URL}\n  when: [a, b]\n",
		"text of a number": "crm:\n  url: ${CRM_URL}\n  on: [a, b]\n  n: '1'\n",
		"number":           "crm:\n  url: ${CRM_URL}\n  on: [a, b]\n  n: 1\n",
	}
	seen := map[string]string{first: "the first"}
	for name, other := range others {
		f := fingerprint(t, other)
		if same, ok := seen[f]; ok {
			t.Errorf("%s: the fingerprint of %s", name, same)
		}
		seen[f] = name
	}
	t.Setenv("CRM_URL", "https://crm.example.com/3")
	if fingerprint(t, text) == first {
		t.Error("another value of a variable: the same fingerprint")
	}
	if (*Node)(nil).Fingerprint() != "" {
		t.Error("a missing value has a fingerprint")
	}
}
