package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"wildix-worker/internal/reread"
)

// A Key is a secret and the integration that signs with it.
type Key struct {
	// IntegrationID is the integration whose events the secret signs, as in
	// the body's integrationId. Empty: the secret may sign for any.
	IntegrationID string
	// Secret is the signing secret. On the SQS transport it is the AWS secret
	// access key that the PBX was given, unless the PBX shows another.
	Secret string
}

// String names the key without its secret.
func (k Key) String() string {
	if k.IntegrationID == "" {
		return "key of any integration"
	}
	return "key of integration " + k.IntegrationID
}

// GoString is String, so that %#v can't print the secret either.
func (k Key) GoString() string { return k.String() }

// A Keyring holds the secrets that are valid now. Several may be valid for one
// integration at once, which is how a secret is rotated without losing a
// message: add the new one, switch the sender over, remove the old one when
// the last message it signed is gone.
//
// A Keyring is safe for concurrent use.
type Keyring struct {
	keys []*key                // unless they come from a file
	file *reread.Value[[]*key] // nil unless they do
}

// NewKeyring returns a ring of the given keys. It fails when there are none or
// one has no secret.
func NewKeyring(keys ...Key) (*Keyring, error) {
	indexed, err := index(keys)
	if err != nil {
		return nil, err
	}
	return &Keyring{keys: indexed}, nil
}

// Verify tries every key of the ring on body, which is not parsed, let alone
// asked which key it wants. It returns what the key that fits may sign for, or
// [ErrMissing], [ErrMalformed], [ErrMismatch] or [ErrUnavailable].
//
// The caller decodes the body next and must then ask [Signer.SignsFor] whether
// the integration that it claims is one of the key's.
func (r *Keyring) Verify(body []byte, sig string) (Signer, error) {
	if err := checkForm(sig); err != nil {
		return Signer{}, err
	}
	keys, _ := r.current(rereadInterval)
	if signer, ok := match(keys, body, sig); ok {
		return signer, nil
	}
	// The secret may have been added a moment ago: look again before the
	// message is turned away.
	fresh, err := r.current(rereadOnMismatch)
	if !slices.Equal(fresh, keys) {
		if signer, ok := match(fresh, body, sig); ok {
			return signer, nil
		}
	}
	if err != nil {
		return Signer{}, ErrUnavailable
	}
	return Signer{}, ErrMismatch
}

// Len returns how many different secrets the ring holds.
func (r *Keyring) Len() int {
	keys, _ := r.current(rereadInterval)
	return len(keys)
}

// current returns the keys, after reading their file again if that was last done
// maxAge ago or longer. An error says why they may be out of date.
func (r *Keyring) current(maxAge time.Duration) ([]*key, error) {
	if r.file == nil {
		return r.keys, nil
	}
	return r.file.Get(maxAge)
}

// String tells how many secrets the ring holds, and none of them.
func (r *Keyring) String() string {
	return fmt.Sprintf("keyring of %d secrets", r.Len())
}

// GoString is String, so that %#v can't print a secret.
func (r *Keyring) GoString() string { return r.String() }

// A Signer is what is known of the key that a signature was made with.
type Signer struct{ key *key }

// SignsFor reports whether the key may sign events of the integration. A body
// that names no integration ("") claims nothing, so any key may sign it.
func (s Signer) SignsFor(integrationID string) bool {
	if s.key == nil {
		return false
	}
	return integrationID == "" || s.key.global || slices.Contains(s.key.integrations, integrationID)
}

// key is one secret, ready to be used, with all that it may sign for: two
// integrations that share a secret are one key.
type key struct {
	global       bool
	integrations []string
	macs         sync.Pool // of hash.Hash: an HMAC's key schedule costs more than a short body
}

func newKey(secret string) *key {
	k := &key{}
	k.macs.New = func() any { return hmac.New(sha256.New, []byte(secret)) }
	return k
}

func (k *key) signed(body []byte, sig string) bool {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	var sum [Size]byte
	digest(mac, body, &sum)
	return equal(&sum, sig)
}

func match(keys []*key, body []byte, sig string) (Signer, bool) {
	for _, k := range keys {
		if k.signed(body, sig) {
			return Signer{k}, true
		}
	}
	return Signer{}, false
}

// index joins keys with the same secret.
func index(keys []Key) ([]*key, error) {
	if len(keys) == 0 {
		return nil, errors.New("no secret")
	}
	var joined []*key
	bySecret := make(map[string]*key)
	for _, given := range keys {
		if given.Secret == "" {
			return nil, fmt.Errorf("%s: the secret is empty", given)
		}
		k, ok := bySecret[given.Secret]
		if !ok {
			k = newKey(given.Secret)
			bySecret[given.Secret] = k
			joined = append(joined, k)
		}
		if given.IntegrationID == "" {
			k.global = true
		} else {
			k.integrations = append(k.integrations, given.IntegrationID)
		}
	}
	return joined, nil
}
