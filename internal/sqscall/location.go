package sqscall

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// A Location says how a client reaches a queue.
type Location struct {
	// Region is that of a queue at AWS, or empty.
	Region string
	// Endpoint is the server of a queue that is not at an endpoint of AWS's own, such as one
	// of LocalStack, of the embedded server or behind a VPC endpoint. It is empty otherwise.
	Endpoint string
	// FIPS and DualStack say which of AWS's endpoints the URL names.
	FIPS, DualStack bool
}

var (
	// endpointHost matches the hosts of AWS's endpoints, as far as they are told by their
	// form: a VPC endpoint, FIPS, region, VPC endpoint, the domain of the partition.
	endpointHost = regexp.MustCompile(`^(vpce-[a-z0-9-]+\.)?sqs(-fips)?\.([^.]+)\.(vpce\.)?(.+)$`)
	// legacyHost matches the old form, which some consoles still show.
	legacyHost    = regexp.MustCompile(`^(?:([^.]+)\.)?queue\.(.+)$`)
	regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	hostPattern   = regexp.MustCompile(`^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)
	awsPath       = regexp.MustCompile(`^/[0-9]{12}/[A-Za-z0-9_-]{1,80}(\.fifo)?$`)
)

// CheckQueueURL returns an error unless the text is the URL of a queue, such as
// https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events.
func CheckQueueURL(text string) error {
	_, err := locate(text)
	return err
}

// Locate returns the location of a queue. It returns the zero Location for a text that
// CheckQueueURL refuses.
func Locate(queueURL string) Location {
	l, err := locate(queueURL)
	if err != nil {
		return Location{}
	}
	return l
}

// locate returns the location of a queue, or an error that says why the URL is not that of
// a queue.
func locate(queueURL string) (Location, error) {
	if err := checkText(queueURL); err != nil {
		return Location{}, err
	}
	u, err := url.Parse(queueURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !hostPattern.MatchString(u.Host) || strings.Trim(u.Path, "/") == "" {
		return Location{}, fmt.Errorf("%q is not a queue URL such as https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events", queueURL)
	}
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return Location{}, fmt.Errorf("%q has more than the path of a queue; remove what begins with ? or #", queueURL)
	case strings.HasSuffix(u.Path, "/"):
		return Location{}, fmt.Errorf("%q ends with a slash; remove it", queueURL)
	}
	l := Location{Endpoint: u.Scheme + "://" + u.Host}
	if port := u.Port(); port == "" || port == "443" && u.Scheme == "https" {
		l = locateHost(strings.ToLower(u.Hostname()), l.Endpoint)
	}
	switch {
	case l.Region == "":
		return l, nil
	case !regionPattern.MatchString(l.Region):
		return Location{}, fmt.Errorf("%q names no region of AWS: replace %q", queueURL, l.Region)
	case !awsPath.MatchString(u.EscapedPath()):
		return Location{}, fmt.Errorf("%q is not the URL of a queue at AWS: the path is the account's 12 digits, a slash, and the queue's name", queueURL)
	}
	return l, nil
}

// checkText returns an error for what is often set instead of a URL.
func checkText(text string) error {
	switch {
	case text == "":
		return errors.New("required; copy it from the queue's page in the SQS console")
	case strings.HasPrefix(text, "arn:"):
		return fmt.Errorf("%q is the queue's ARN; the URL begins with https://", text)
	case strings.ContainsAny(text, " \t\r\n,"):
		return errors.New("has a space or a comma; give one URL and nothing else")
	case strings.Contains(text, "@"): // not quoted: it may be a password
		return errors.New("has a user or a password; credentials come from the environment")
	}
	return nil
}

// locateHost returns the location of a host, in small letters. endpoint is what the
// location names if the host is not AWS's own.
func locateHost(host, endpoint string) Location {
	for _, fips := range []bool{false, true} {
		for _, dualStack := range []bool{false, true} {
			if region, private := regionOf(host, fips, dualStack); region != "" {
				if private {
					return Location{Region: region, Endpoint: endpoint, FIPS: fips}
				}
				return Location{Region: region, FIPS: fips, DualStack: dualStack}
			}
		}
	}
	return Location{Endpoint: endpoint}
}

// regionOf returns the region of a host that is AWS's endpoint of this kind, or a VPC
// endpoint, which is private. It returns an empty region for all others. The SDK knows
// the domains of all partitions.
func regionOf(host string, fips, dualStack bool) (region string, private bool) {
	if m := endpointHost.FindStringSubmatch(host); m != nil {
		private = m[1] != "" && m[4] != ""
		public := "sqs" + m[2] + "." + m[3] + "." + m[5]
		if (private || m[1]+m[4] == "") && public == endpointOf(m[3], fips, dualStack) {
			return m[3], private
		}
	}
	if m := legacyHost.FindStringSubmatch(host); m != nil && !fips && !dualStack {
		region := m[1]
		if region == "" {
			region = "us-east-1" // the first region's queues had no region in their host
		}
		if "sqs."+region+"."+m[2] == endpointOf(region, false, false) {
			return region, false
		}
	}
	return "", false
}

// endpointOf returns the host of AWS's endpoint in a region, or an empty string if the
// partition has none of this kind.
func endpointOf(region string, fips, dualStack bool) string {
	endpoint, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), sqs.EndpointParameters{
		Region: &region, UseFIPS: aws.Bool(fips), UseDualStack: aws.Bool(dualStack),
	})
	if err != nil {
		return ""
	}
	return endpoint.URI.Host
}
