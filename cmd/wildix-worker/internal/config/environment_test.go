package config

import (
	"os"
	"testing"
)

func TestEmptyVariablesAreUnset(t *testing.T) {
	for _, name := range []string{"WILDIX_CONCURRENCY", "SQS_URL", SecretVariable, adminAddrVariable, "OTHER"} {
		t.Setenv(name, "")
	}
	t.Setenv("WILDIX_HANDLERS", "log")
	UnsetEmpty()
	for name, want := range map[string]bool{
		"WILDIX_CONCURRENCY": false, "SQS_URL": false,
		// An empty secret is a mistake to report, and an empty address stands for none.
		SecretVariable: true, adminAddrVariable: true, "OTHER": true, "WILDIX_HANDLERS": true,
	} {
		if _, set := os.LookupEnv(name); set != want {
			t.Errorf("%s: set is %t, want %t", name, set, want)
		}
	}
}

func TestAdminURLReachesTheAddressFromThisMachine(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:9464": "http://127.0.0.1:9464", ":9464": "http://localhost:9464", "0.0.0.0:80": "http://localhost:80",
		"[::]:80": "http://localhost:80", "[::1]:80": "http://[::1]:80", "9464": "", "": "",
	} {
		got, err := AdminAddr{addr: addr, chosen: true}.URL()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", addr, got, err)
		}
	}
	if got, err := (AdminAddr{}).URL(); got != "http://"+defaultAdminAddr || err != nil {
		t.Errorf("default: %q, %v", got, err)
	}
}

func TestAddressThatIsNotLoopbackRequiresAToken(t *testing.T) {
	for addr, token := range map[string]string{":9464": "", "0.0.0.0:9464": "", "127.0.0.1": "", "192.0.2.1:80": " spaced, and long ", "192.0.2.2:80": "123456789012345"} {
		t.Setenv(AdminTokenVariable, token)
		var faults Faults
		(&Admin{AdminAddr: AdminAddr{addr, true}}).CheckAdmin(nil, &faults)
		if faults.Len() != 1 {
			t.Errorf("%q with token %q: %q", addr, token, faults.lines)
		}
	}
	for addr, token := range map[string]string{"127.0.0.1:9464": "", "[::1]:9464": "", "localhost:80": "", "": "", ":9464": "1234567890123456", "127.0.0.1:80": "short"} {
		t.Setenv(AdminTokenVariable, token)
		var faults Faults
		(&Admin{AdminAddr: AdminAddr{addr, true}}).CheckAdmin(nil, &faults)
		if faults.Len() != 0 {
			t.Errorf("%q with token %q: %q", addr, token, faults.lines)
		}
	}
}
