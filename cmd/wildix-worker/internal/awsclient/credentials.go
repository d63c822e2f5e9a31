package awsclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

// A CredentialsError says why there are no credentials, and what to do. It never quotes what
// a provider returned, which may be a secret.
type CredentialsError struct {
	Temporary bool // their source did not answer, and may answer later
	text      string
	err       error
}

func (e *CredentialsError) Error() string { return e.text }

// Unwrap returns the reason of an end of the context, which callers look for.
func (e *CredentialsError) Unwrap() error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(e.err, end) {
			return end
		}
	}
	return nil
}

// Credentials returns the credentials, or a *CredentialsError. It does not check whether AWS
// accepts them.
func Credentials(ctx context.Context, cfg aws.Config) (aws.Credentials, error) {
	return cfg.Credentials.Retrieve(ctx)
}

// CheckCredentials returns an error if there are no credentials and none will come. If their
// source does not answer, each request asks it again, so waiting for them is waiting for AWS.
func CheckCredentials(ctx context.Context, cfg aws.Config) error {
	_, err := Credentials(ctx, cfg)
	if missing, ok := errors.AsType[*CredentialsError](err); ok && missing.Temporary {
		return nil
	}
	return err
}

// explained is a provider whose errors are of type *CredentialsError.
type explained struct{ *aws.CredentialsCache }

// Retrieve implements aws.CredentialsProvider.
func (p explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := p.CredentialsCache.Retrieve(ctx)
	if err != nil {
		return found, explainMissing(err, p.ProviderSources())
	}
	return found, nil
}

// A credentialsSource is where credentials come from, in words, and what to do if there are
// none.
type credentialsSource struct {
	kinds  []aws.CredentialSource
	name   func() string
	advice string
}

var credentialsSources = []credentialsSource{
	{
		[]aws.CredentialSource{aws.CredentialSourceProfileSSO, aws.CredentialSourceSSO, aws.CredentialSourceProfileSSOLegacy, aws.CredentialSourceSSOLegacy},
		func() string { return "the sign-in of " + profile() }, "run aws sso login with that profile",
	},
	{
		[]aws.CredentialSource{aws.CredentialSourceProfileLogin, aws.CredentialSourceLogin},
		func() string { return "the sign-in of " + profile() }, "run aws login with that profile",
	},
	{
		[]aws.CredentialSource{aws.CredentialSourceProfileProcess, aws.CredentialSourceProcess},
		func() string { return "credential_process of " + profile() }, "run that program by hand; it must print the JSON that AWS describes",
	},
	{
		[]aws.CredentialSource{aws.CredentialSourceEnvVarsSTSWebIDToken, aws.CredentialSourceSTSAssumeRoleWebID, aws.CredentialSourceProfileSTSWebIDToken},
		func() string { return "the web identity of " + webIdentity() }, "check that file, and that the role trusts its issuer",
	},
	{
		[]aws.CredentialSource{aws.CredentialSourceSTSAssumeRole},
		func() string { return "the role of " + profile() }, "check role_arn and source_profile, and that the role trusts that user",
	},
	{
		[]aws.CredentialSource{aws.CredentialSourceHTTP, aws.CredentialSourceProfileNamedProvider},
		func() string { return "the container's endpoint at " + containerEndpoint() }, "check the role of the task or pod",
	},
}

func profile() string {
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if value := os.Getenv(name); value != "" {
			return fmt.Sprintf("the profile %q", value)
		}
	}
	return "the default profile"
}

func webIdentity() string {
	if file := os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"); file != "" {
		return file + " (AWS_WEB_IDENTITY_TOKEN_FILE)"
	}
	return profile()
}

// containerEndpoint names the address without its query, which might be a secret.
func containerEndpoint() string {
	if full, err := url.Parse(os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")); err == nil && full.Host != "" {
		return full.Host + " (AWS_CONTAINER_CREDENTIALS_FULL_URI)"
	}
	return "169.254.170.2 (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)"
}

// explainMissing returns the error for missing credentials of these kinds of source.
func explainMissing(err error, kinds []aws.CredentialSource) *CredentialsError {
	for _, source := range credentialsSources {
		if slices.ContainsFunc(source.kinds, func(kind aws.CredentialSource) bool { return slices.Contains(kinds, kind) }) {
			text := fmt.Sprintf("no AWS credentials from %s: %s%s", source.name(), source.advice, reasonOf(err))
			return &CredentialsError{Temporary: noAnswer(err), text: text, err: err}
		}
	}
	// Most machines that have no credentials end here: the last place to ask is the address
	// of an EC2 instance's role, and a machine that is none never answers.
	const advice = "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached"
	return &CredentialsError{text: advice + reasonOf(err), err: err}
}

// reasonOf returns what AWS says, or why there was no answer, in parentheses. It returns an
// empty string for other reasons, as they may quote what a provider returned.
func reasonOf(err error) string {
	switch answer := Answer(err); {
	case answer != "":
		return " (AWS says " + answer + ")"
	case noAnswer(err):
		return " (" + term.RootCause(err).Error() + ")"
	default:
		return ""
	}
}

// noAnswer reports whether a source of credentials did not answer, or answered that it is
// in trouble itself.
func noAnswer(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorFault() == smithy.FaultServer
	}
	_, notSent := errors.AsType[*smithyhttp.RequestSendError](err)
	return notSent
}

// ec2Addresses are the local addresses of AWS's own services, such as the credentials of a
// pod.
var ec2Addresses = netip.MustParsePrefix("fd00:ec2::/32")

// proxyOf returns the proxy of the environment, but none for an address that is reached
// from this machine only: a proxy would get the request for credentials.
func proxyOf(r *http.Request) (*url.URL, error) {
	if ip, err := netip.ParseAddr(r.URL.Hostname()); err == nil && (ip.IsLinkLocalUnicast() || ec2Addresses.Contains(ip)) {
		return nil, nil //nolint:nilnil // as http.ProxyFromEnvironment does
	}
	return http.ProxyFromEnvironment(r)
}
