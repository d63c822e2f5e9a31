package sqscall

import (
	"strings"
	"testing"
)

func TestQueueIsLocatedByItsURL(t *testing.T) {
	const path = "/123456789012/calls"
	for host, want := range map[string]Location{
		"sqs.eu-central-1.amazonaws.com":                   {Region: "eu-central-1"},
		"SQS.EU-Central-1.amazonaws.COM":                   {Region: "eu-central-1"},
		"sqs.eu-central-1.amazonaws.com:443":               {Region: "eu-central-1"},
		"eu-central-1.queue.amazonaws.com":                 {Region: "eu-central-1"},
		"queue.amazonaws.com":                              {Region: "us-east-1"},
		"sqs-fips.us-east-1.amazonaws.com":                 {Region: "us-east-1", FIPS: true},
		"sqs.us-east-1.api.aws":                            {Region: "us-east-1", DualStack: true},
		"sqs-fips.us-east-1.api.aws":                       {Region: "us-east-1", FIPS: true, DualStack: true},
		"sqs.us-gov-west-1.amazonaws.com":                  {Region: "us-gov-west-1"},
		"sqs.cn-north-1.amazonaws.com.cn":                  {Region: "cn-north-1"},
		"cn-north-1.queue.amazonaws.com.cn":                {Region: "cn-north-1"},
		"sqs.cn-north-1.api.amazonwebservices.com.cn":      {Region: "cn-north-1", DualStack: true},
		"sqs.us-iso-east-1.c2s.ic.gov":                     {Region: "us-iso-east-1"},
		"sqs.eusc-de-east-1.amazonaws.eu":                  {Region: "eusc-de-east-1"},
		"vpce-01-ab.sqs.eu-central-1.vpce.amazonaws.com":   {Region: "eu-central-1", Endpoint: "https://vpce-01-ab.sqs.eu-central-1.vpce.amazonaws.com"},
		"vpce-01-ab.sqs-fips.us-east-1.vpce.amazonaws.com": {Region: "us-east-1", FIPS: true, Endpoint: "https://vpce-01-ab.sqs-fips.us-east-1.vpce.amazonaws.com"},
		"sqs.eu-central-1.amazonaws.com:8443":              {Endpoint: "https://sqs.eu-central-1.amazonaws.com:8443"},
		"sqs.eu-central-1.localhost.localstack.cloud":      {Endpoint: "https://sqs.eu-central-1.localhost.localstack.cloud"},
		"sqs.eu-central-1.amazonaws.com.example.com":       {Endpoint: "https://sqs.eu-central-1.amazonaws.com.example.com"},
		"queue.example.com":                                {Endpoint: "https://queue.example.com"},
		"[::1]:4566":                                       {Endpoint: "https://[::1]:4566"},
	} {
		queue := "https://" + host + path
		if got := Locate(queue); got != want {
			t.Errorf("%s: %+v, want %+v", host, got, want)
		}
		if err := CheckQueueURL(queue); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestQueueURLThatNeverWorksIsRefused(t *testing.T) {
	for text, reason := range map[string]string{
		"https://sqs.REGION.amazonaws.com/123456789012/calls":                  `names no region of AWS: replace "region"`,
		"https://sqs.eu-central.amazonaws.com/123456789012/calls":              `names no region of AWS: replace "eu-central"`,
		"https://sqs.REGION.../calls":                                          "is not a queue URL",
		"https://sqs.<region>.amazonaws.com/123456789012/calls":                "is not a queue URL",
		"https://sqs.eu-central-1.amazonaws.com/ACCOUNT/calls":                 "the account's 12 digits",
		"https://sqs.eu-central-1.amazonaws.com/calls":                         "the account's 12 digits",
		"https://sqs.eu-central-1.amazonaws.com/123456789012/calls.fifo/":      "ends with a slash",
		"https://sqs.eu-central-1.amazonaws.com/123456789012/calls.FIFO":       "the account's 12 digits",
		"http://127.0.0.1:4566/000000000000/calls/":                            "ends with a slash",
		"http://127.0.0.1:4566/000000000000/calls?Action=ReceiveMessage":       "remove what begins with ? or #",
		"https://sqs.eu-central-1.amazonaws.com/123456789012/my calls":         "has a space",
		"https://eu-central-1.console.aws.amazon.com/sqs/v3/home?#/queues/abc": "remove what begins with ? or #",
	} {
		if err := CheckQueueURL(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %s", text, err, reason)
		}
		if l := Locate(text); l != (Location{}) {
			t.Errorf("%q is at %+v", text, l)
		}
	}
}
