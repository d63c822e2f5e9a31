package signature

import (
	"fmt"
	"slices"
	"time"

	"wildix-worker/internal/reread"
)

const (
	// rereadInterval is how long a secret may still be accepted after its removal.
	rereadInterval = time.Second
	// mismatchInterval limits how often forged messages make the ring read its file.
	mismatchInterval = 100 * time.Millisecond
)

// A Keyring holds the secrets that are valid now. An integration may have several, so
// that its secret can be rotated without losing a message: add the new one, switch the
// sender over, and remove the old one when the last message that it signed is gone.
//
// A Keyring is safe for concurrent use.
type Keyring struct {
	keys []*signingKey                // unless they come from a file
	file *reread.Value[[]*signingKey] // nil unless they do
}

// NewKeyring returns a ring of the given keys. It fails if there are none, or one has
// no secret.
func NewKeyring(keys ...Key) (*Keyring, error) {
	joined, err := signingKeys(keys)
	if err != nil {
		return nil, err
	}
	return &Keyring{keys: joined}, nil
}

// LoadKeyring returns a ring of the keys in a secrets file, which follows changes of the
// file. Each line is SECRET, which may sign for any integration, or
// INTEGRATION_ID=SECRET; an integration may have several lines. Empty lines and lines
// that begin with # are skipped, and white space around a line is ignored. A secret that
// contains = is written with another = in front of the line: =SECRET.
//
// The file is read again, at most once a second, while messages are verified, and before
// a message is rejected for a mismatch. Its content is compared, not its modification
// time, so renamed and linked files work. While it can't be read or is invalid, the last
// good keys remain in use, and Verify returns [ErrUnavailable] instead of [ErrMismatch].
//
// notify, unless nil, is called with nil when the keys have changed or the file can be
// used again, and with the error when it can't: once per change of state. It must not
// call the ring.
func LoadKeyring(path string, notify func(error)) (*Keyring, error) {
	parse := func(contents []string) ([]*signingKey, error) {
		keys, err := parseSecrets(path, contents[0])
		if err != nil {
			return nil, err
		}
		return signingKeys(keys)
	}
	file, err := reread.Load([]string{path}, parse, func(err error) {
		if notify != nil {
			notify(secretsFileError(err))
		}
	})
	if err != nil {
		return nil, secretsFileError(err)
	}
	return &Keyring{file: file}, nil
}

// secretsFileError adds to an error which kind of file it is about.
func secretsFileError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secrets file: %w", err)
}

// Verify verifies the signature of body with every key of the ring, without parsing the
// body. It returns the signer of the matching key, or [ErrMissing], [ErrMalformed],
// [ErrMismatch] or [ErrUnavailable].
//
// The caller decodes the body next, and must then call [Signer.SignsFor] with the
// integration that the body names.
func (r *Keyring) Verify(body []byte, sig string) (Signer, error) {
	if err := checkForm(sig); err != nil {
		return Signer{}, err
	}
	keys, _ := r.current(rereadInterval)
	if signer, ok := match(keys, body, sig); ok {
		return signer, nil
	}
	// The secret may have just been added to the file.
	fresh, err := r.current(mismatchInterval)
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

func match(keys []*signingKey, body []byte, sig string) (Signer, bool) {
	for _, k := range keys {
		if k.verify(body, sig) {
			return Signer{k}, true
		}
	}
	return Signer{}, false
}

// current returns the keys. It first reads their file again if the last read was at least
// maxAge ago. The error says why the keys may be out of date.
func (r *Keyring) current(maxAge time.Duration) ([]*signingKey, error) {
	if r.file == nil {
		return r.keys, nil
	}
	return r.file.Get(maxAge)
}

// Len returns the number of different secrets in the ring.
func (r *Keyring) Len() int {
	keys, _ := r.current(rereadInterval)
	return len(keys)
}

// String returns the number of secrets, and none of them.
func (r *Keyring) String() string {
	return fmt.Sprintf("keyring of %d secrets", r.Len())
}

// GoString is String, so that %#v can't print a secret.
func (r *Keyring) GoString() string { return r.String() }

// A Signer is the owner of the key that a signature was made with.
type Signer struct{ key *signingKey }

// SignsFor reports whether the key may sign events of the integration. A body that names
// no integration ("") may be signed with any key.
func (s Signer) SignsFor(integrationID string) bool {
	if s.key == nil {
		return false
	}
	return integrationID == "" || s.key.global || slices.Contains(s.key.integrations, integrationID)
}
