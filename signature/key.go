package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// MaxSecrets is how many different secrets a ring can have. A forged body is hashed once
// with each of them, so this limits what it costs to refuse one.
const MaxSecrets = 256

// A Key is a secret and the integration that signs with it.
type Key struct {
	// IntegrationID is the integration whose events the secret signs: the
	// integrationId of their bodies. If it is empty, the secret signs for any.
	IntegrationID string
	// Secret is the signing secret. On SQS it is the AWS secret access key that the
	// PBX was given, unless the PBX shows another one.
	Secret string
}

// String names the key without its secret.
func (k Key) String() string {
	if k.IntegrationID == "" {
		return "key of any integration"
	}
	return "key of integration " + k.IntegrationID
}

// GoString returns String, so that %#v does not print the secret.
func (k Key) GoString() string { return k.String() }

// A signingKey is a secret that is ready to use, with all integrations that it signs
// for: two integrations that share a secret are one signingKey.
type signingKey struct {
	global       bool // signs for any integration
	integrations []string
	macs         sync.Pool // of hash.Hash: an HMAC's key schedule costs more than a short body
}

func newSigningKey(secret string) *signingKey {
	k := &signingKey{}
	k.macs.New = func() any { return hmac.New(sha256.New, []byte(secret)) }
	return k
}

// sign returns the key's signature of body.
func (k *signingKey) sign(body []byte) string {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	var sum [Size]byte
	digest(mac, body, &sum)
	return string(sum[:])
}

// verify reports whether sig is the key's signature of body.
func (k *signingKey) verify(body []byte, sig string) bool {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	var sum [Size]byte
	digest(mac, body, &sum)
	return equal(&sum, sig)
}

// signingKeys joins keys that have the same secret.
func signingKeys(keys []Key) ([]*signingKey, error) {
	if len(keys) == 0 {
		return nil, errors.New("no secret")
	}
	var joined []*signingKey
	bySecret := make(map[string]*signingKey)
	for _, key := range keys {
		if key.Secret == "" {
			return nil, fmt.Errorf("%s: the secret is empty", key)
		}
		k, ok := bySecret[key.Secret]
		if !ok {
			k = newSigningKey(key.Secret)
			bySecret[key.Secret] = k
			joined = append(joined, k)
		}
		if key.IntegrationID == "" {
			k.global = true
		} else {
			k.integrations = append(k.integrations, key.IntegrationID)
		}
	}
	if len(joined) > MaxSecrets {
		return nil, fmt.Errorf("%d different secrets, at most %d can be used at once", len(joined), MaxSecrets)
	}
	return joined, nil
}
