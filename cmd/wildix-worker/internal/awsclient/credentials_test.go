package awsclient_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
)

const queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/calls"

// setAWS sets the environment of the AWS SDK to nothing but these variables and a
// configuration file.
func setAWS(t *testing.T, file string, variables ...string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path+"-none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

func TestMissingCredentialsNameTheirSource(t *testing.T) {
	forbidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"code":"AccessDenied","message":"the task has no role"}`)
	}))
	defer forbidden.Close()
	const sso = `
[sso-session firm]
sso_start_url = https://example.com/start
sso_region = eu-central-1
[profile calls]
sso_session = firm
sso_account_id = 123456789012
sso_role_name = reader
`
	for want, set := range map[string]func(){
		"no AWS credentials: set AWS_ACCESS_KEY_ID":                                                                          func() { setAWS(t, "") },
		`from the sign-in of the profile "calls": run aws sso login`:                                                         func() { setAWS(t, sso, "AWS_PROFILE=calls") },
		`from credential_process of the default profile: run that program by hand`:                                           func() { setAWS(t, "[default]\ncredential_process = echo hidden-secret\n") },
		"from the container's endpoint at " + forbidden.Listener.Addr().String() + " (AWS_CONTAINER_CREDENTIALS_FULL_URI): ": func() { setAWS(t, "", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+forbidden.URL+"/?token=hidden-secret") },
		"AWS says AccessDenied: the task has no role":                                                                        func() { setAWS(t, "", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+forbidden.URL) },
		"from the web identity of /nowhere (AWS_WEB_IDENTITY_TOKEN_FILE): check that file": func() {
			setAWS(t, "", "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere", "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/calls")
		},
	} {
		set()
		_, err := awsclient.New(t.Context(), queueURL)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden-secret") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A worker that starts before the endpoint of its credentials waits for it, as it does for
// its queue.
func TestCredentialsEndpointIsWaitedFor(t *testing.T) {
	var up atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"AccessKeyId":"test","SecretAccessKey":"test","Token":"test","Expiration":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	}))
	defer srv.Close()
	setAWS(t, "", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+srv.URL)
	cfg, err := awsclient.LoadConfig(t.Context(), "eu-central-1", "the queue")
	if err != nil {
		t.Fatal(err)
	}
	missing := &awsclient.CredentialsError{}
	_, err = awsclient.Credentials(t.Context(), cfg)
	if !errors.As(err, &missing) || !missing.Temporary || awsclient.Explain(queueURL, err) != nil || !strings.Contains(err.Error(), "HTTP 503") {
		t.Errorf("endpoint in trouble: %v", err)
	}
	up.Store(true)
	if found, err := awsclient.Credentials(t.Context(), cfg); err != nil || found.AccessKeyID != "test" {
		t.Errorf("%+v, %v", found.Source, err)
	}
	srv.Close()
	if cfg, err = awsclient.LoadConfig(t.Context(), "eu-central-1", "the queue"); err != nil {
		t.Fatal(err)
	}
	if err := awsclient.CheckCredentials(t.Context(), cfg); err != nil {
		t.Errorf("no server: %v", err)
	}
}
