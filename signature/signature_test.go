package signature_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"wildix-worker/signature"
)

const (
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" // AWS's own documentation example
	umlautSecret  = "schlüssel"
	exampleBody   = `{"id":"it_w118741_1693389850.110","pbx":"221100001bab","time":1693389850810,"company":"example","type":"call:start","integrationId":"8qkmnq","data":{"status":"CONNECTING","caller":null}}`
)

// The digests were made by printf BODY | openssl dgst -sha256 -hmac SECRET.
var knownAnswers = []struct {
	name, secret, body, sig string
}{
	{"event", exampleSecret, exampleBody, "7711870262bb0bdce6584a5e93c822d3aa5d8587ceff7f10db326382e1665b00"},
	{"event, other secret", umlautSecret, exampleBody, "38ae0dfb373a80f42bcf1b1d36b3c220233b02def8f0b67ec8cae216eef180f1"},
	{"beyond ASCII", exampleSecret, "Jürgen ☎\n", "7a873d1ce07c3e7091d247e222c0881cf12a0a13c96ecce2bb9605d7a04fa65c"},
	{"beyond ASCII, other secret", umlautSecret, "Jürgen ☎\n", "13b39b6569a1169edc07d602fdc079ca53132af71fc32a5883a450498f3035a7"},
	{"empty", exampleSecret, "", "75556cb0287dfd1f732032ea7dee66c0f2f08799e91bbcee33f0d5862e925d30"},
	{"not UTF-8", exampleSecret, "\x00\xff\xfe raw", "fbae843a90ee7231cf4fc6abfbdfb585f4b230fbe0142b0beba735f39550c346"},
	{"not UTF-8, other secret", umlautSecret, "\x00\xff\xfe raw", "97e212dc174d018d09c0a7ecf401896ba52eac709fe168e74b119c4972fecaf9"},
}

func TestKnownAnswers(t *testing.T) {
	for _, known := range knownAnswers {
		t.Run(known.name, func(t *testing.T) {
			if got := signature.Sign(known.secret, []byte(known.body)); got != known.sig {
				t.Errorf("Sign = %s, that of openssl is %s", got, known.sig)
			}
			if err := signature.Verify(known.secret, []byte(known.body), known.sig); err != nil {
				t.Errorf("Verify: %v", err)
			}
		})
	}
}

func TestVerifyErrors(t *testing.T) {
	valid := knownAnswers[0].sig
	tests := []struct {
		name, sig string
		want      error
	}{
		{"none", "", signature.ErrMissing},
		{"short", valid[:63], signature.ErrMalformed},
		{"long", valid + "0", signature.ErrMalformed},
		{"not hex", strings.Repeat("z", 64), signature.ErrMalformed},
		{"64 bytes, fewer characters", strings.Repeat("é", 32), signature.ErrMalformed},
		{"white space", " " + valid[1:], signature.ErrMalformed},
		{"upper case", strings.ToUpper(valid), signature.ErrMismatch},
		{"one digit off", valid[:63] + "1", signature.ErrMismatch},
		{"another body's", knownAnswers[2].sig, signature.ErrMismatch},
		{"another secret's", knownAnswers[1].sig, signature.ErrMismatch},
	}
	ring := newRing(t, signature.Key{Secret: exampleSecret})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := signature.Verify(exampleSecret, []byte(exampleBody), test.sig); !errors.Is(err, test.want) {
				t.Errorf("Verify: %v, want %v", err, test.want)
			}
			if _, err := ring.Verify([]byte(exampleBody), test.sig); !errors.Is(err, test.want) {
				t.Errorf("Keyring.Verify: %v, want %v", err, test.want)
			}
		})
	}
}

// FuzzVerify checks that only the one signature of a body is accepted.
func FuzzVerify(f *testing.F) {
	for _, known := range knownAnswers {
		f.Add(known.secret, []byte(known.body), known.sig)
	}
	f.Add("s", []byte("{}"), strings.Repeat("A", 64))
	f.Fuzz(func(t *testing.T, secret string, body []byte, sig string) {
		right := signature.Sign(secret, body)
		if err := signature.Verify(secret, body, right); err != nil {
			t.Fatalf("the right signature: %v", err)
		}
		if err := signature.Verify(secret, body, sig); (err == nil) != (sig == right) {
			t.Fatalf("Verify(%q) = %v, the signature is %q", sig, err, right)
		}
		if secret == "" {
			return
		}
		ring, err := signature.NewKeyring(signature.Key{Secret: "another"}, signature.Key{Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Verify(body, right); err != nil {
			t.Fatalf("the ring: %v", err)
		}
	})
}

func ExampleSign() {
	body := []byte(`{"id":"call-1","type":"call:start","time":1693389850810}`)
	fmt.Println(signature.Sign("the secret", body))
	// Output: 6a15539078ce49dd615b9cfdcfe3473a6decbf17beac00ac954751566b4085be
}

func ExampleVerify() {
	body := []byte(`{"id":"call-1","type":"call:start","time":1693389850810}`)
	sig := signature.Sign("the secret", body)

	fmt.Println(signature.Verify("the secret", body, sig))
	fmt.Println(signature.Verify("the secret", append(body, ' '), sig))
	fmt.Println(signature.Verify("the secret", body, ""))
	// Output:
	// <nil>
	// signature mismatch
	// signature missing
}

func BenchmarkKeyringVerify(b *testing.B) {
	body := []byte(strings.Repeat("x", 1024))
	sig := signature.Sign(exampleSecret, body)
	ring := newRing(b, signature.Key{Secret: exampleSecret})
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Verify(body, sig); err != nil {
			b.Fatal(err)
		}
	}
}
