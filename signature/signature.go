// Package signature signs and verifies the events of a Wildix PBX.
//
// A PBX signs the exact bytes of an event's body with HMAC-SHA256, and sends the digest
// as 64 lowercase hex digits with the body: in the message attribute X-SIGNATURE on SQS,
// in the header x-signature to a webhook.
//
// Most programs need two functions: [NewKeyring] or [LoadKeyring] once, and
// [Keyring.Verify] for every message, before its body is parsed. [Sign] and [Verify] do
// the same with a single secret, for tests and tools.
//
// The HMAC key is the secret in UTF-8, neither decoded nor trimmed. No error or String
// method of this package returns a secret, a body or a signature.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
)

// Size is the length of a signature: 32 bytes of SHA-256 as hex digits.
const Size = 2 * sha256.Size

// Errors of a verification. All but ErrUnavailable mean that the message must not be
// trusted.
var (
	// ErrMissing means that there is no signature.
	ErrMissing = errors.New("signature missing")
	// ErrMalformed means that the signature is not 64 hex digits.
	ErrMalformed = errors.New("signature malformed: want 64 hex digits")
	// ErrMismatch means that the signature is not that of the body. An upper-case
	// signature is a mismatch too, because the PBX only sends lower case.
	ErrMismatch = errors.New("signature mismatch")
	// ErrUnavailable means that no known key matches, and the secrets file could not
	// be read, or the ring is empty. The message may be valid: neither trust nor reject
	// it, and try again later.
	ErrUnavailable = errors.New("signing keys unavailable")
)

// Sign returns the signature of body under secret: 64 lowercase hex digits.
func Sign(secret string, body []byte) string {
	var sum [Size]byte
	digest(hmac.New(sha256.New, []byte(secret)), body, &sum)
	return string(sum[:])
}

// Verify reports whether sig is the signature of body under secret. It returns
// nil, [ErrMissing], [ErrMalformed] or [ErrMismatch], and compares in constant
// time.
func Verify(secret string, body []byte, sig string) error {
	if err := CheckForm(sig); err != nil {
		return err
	}
	var sum [Size]byte
	digest(hmac.New(sha256.New, []byte(secret)), body, &sum)
	if !equal(&sum, sig) {
		return ErrMismatch
	}
	return nil
}

// Digest returns the SHA-256 of body as 64 hex digits. It identifies the content, and
// proves nothing about its sender.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// CheckForm returns [ErrMissing] or [ErrMalformed], or nil if sig has the form of a signature.
// A server can refuse a request by it before it reads the body.
func CheckForm(sig string) error {
	if sig == "" {
		return ErrMissing
	}
	if len(sig) != Size {
		return ErrMalformed
	}
	for i := range len(sig) {
		if !isHexDigit(sig[i]) {
			return ErrMalformed
		}
	}
	return nil
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// digest writes the lowercase hex digest of body to sum.
func digest(mac hash.Hash, body []byte, sum *[Size]byte) {
	var raw [sha256.Size]byte
	mac.Write(body)
	hex.Encode(sum[:], mac.Sum(raw[:0]))
}

// equal compares hex digits, not the bytes that they encode, so that an upper-case
// signature does not match.
func equal(sum *[Size]byte, sig string) bool {
	return subtle.ConstantTimeCompare(sum[:], []byte(sig)) == 1
}
