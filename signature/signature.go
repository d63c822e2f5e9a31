// Package signature signs and verifies the events of a Wildix PBX.
//
// A PBX signs the exact bytes of an event's body with HMAC-SHA256 and sends
// the digest, as 64 lowercase hex digits, next to the body: in the message
// attribute X-SIGNATURE on SQS, in the header x-signature on a webhook.
//
// Most programs need two calls: [NewKeyring] or [LoadKeyring] once, and
// [Keyring.Verify] for every message, before anything else looks at its body.
// [Sign] and [Verify] do the same with a single secret, for tests and tools.
//
// A secret is used as it is: its UTF-8 bytes are the HMAC key, nothing is
// decoded or trimmed. No error and no String method of this package contains
// a secret, a body or a signature.
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

// What can be wrong with a signature. A caller tells them apart with
// [errors.Is]; all but ErrUnavailable mean that the message must not be
// trusted.
var (
	// ErrMissing: there is no signature.
	ErrMissing = errors.New("signature missing")
	// ErrMalformed: the signature is not 64 hex digits.
	ErrMalformed = errors.New("signature malformed: want 64 hex digits")
	// ErrMismatch: the signature does not belong to the body. An upper-case
	// signature is a mismatch too, because the sender only writes lower case.
	ErrMismatch = errors.New("signature mismatch")
	// ErrUnavailable: no known key fits, and the keys could not be read when
	// they were last looked for. It says nothing about the message: try again
	// later, and neither trust nor reject it.
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
	if err := checkForm(sig); err != nil {
		return err
	}
	var sum [Size]byte
	digest(hmac.New(sha256.New, []byte(secret)), body, &sum)
	if !equal(&sum, sig) {
		return ErrMismatch
	}
	return nil
}

// Digest returns the SHA-256 of body as 64 hex digits. It needs no secret: it
// names a content, and proves nothing about who wrote it.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// checkForm tells a signature that can't be one from one that could.
func checkForm(sig string) error {
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

// equal compares hex digits, not the bytes that they stand for, so that an
// upper-case signature is no match.
func equal(sum *[Size]byte, sig string) bool {
	return subtle.ConstantTimeCompare(sum[:], []byte(sig)) == 1
}
