package signature

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"wildix-worker/internal/reread"
)

const (
	// rereadInterval is how often a used ring reads its file.
	rereadInterval = time.Second
	// mismatchInterval limits how often forged messages make the ring read its file.
	mismatchInterval = 100 * time.Millisecond
	// settleTime is how long a file must be left alone until its content replaces the keys.
	// It is far more than editors, copies and configuration tools take between two writes.
	settleTime = 2 * time.Second
)

// errEmpty is the state of a ring that was not made by a function of this package. With no
// key, valid messages can't be told from forged ones.
var errEmpty = errors.New("no secrets")

// A Keyring holds the secrets that are valid now. An integration may have several, so
// that its secret can be rotated without losing a message: add the new one, switch the
// sender over, and remove the old one when the last message that it signed is gone.
//
// A ring has at most [MaxSecrets] secrets. [NewKeyring] or [LoadKeyring] creates one. The
// zero Keyring has no secrets, and its Verify returns [ErrUnavailable]. A Keyring is safe
// for concurrent use.
type Keyring struct {
	keys []*signingKey           // unless they come from a file
	file *reread.Value[fileKeys] // nil unless they do
}

// NewKeyring returns a ring of the given keys. It fails if there are none, one has no
// secret, or they have more than [MaxSecrets] different secrets.
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
// time, so renamed and linked files work.
//
// While a file is being written, it may lack secrets. So a new secret is valid as soon as
// its whole line is read, but until the file has been left alone for two seconds the
// secrets from before stay valid too, and Verify returns [ErrUnavailable] instead of
// [ErrMismatch]. A secret that is removed is thus refused after at most three seconds of
// use. While the file can't be read, is empty, is not UTF-8 text or is invalid, the last
// good keys remain in use, and again Verify returns ErrUnavailable instead of ErrMismatch.
// A writer that pauses for longer between two lines should write another file and rename
// it.
//
// notify, unless nil, is called with nil when the keys have changed or the file can be
// used again, and with the error when it can't: once per change of state. It must not
// call the ring.
func LoadKeyring(path string, notify func(error)) (*Keyring, error) {
	file, err := reread.Load(reread.Config[fileKeys]{
		Paths:  []string{path},
		Settle: settleTime,
		Parse:  func(contents []string) (fileKeys, error) { return parseFile(path, contents[0]) },
		Notify: func(err error) {
			if notify != nil {
				notify(secretsFileError(err))
			}
		},
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
	if err := CheckForm(sig); err != nil {
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
	if err == nil {
		return Signer{}, ErrMismatch
	}
	if signer, ok := match(r.next(), body, sig); ok {
		return signer, nil
	}
	return Signer{}, ErrUnavailable
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
	switch {
	case r == nil || r.file == nil && len(r.keys) == 0:
		return nil, errEmpty
	case r.file == nil:
		return r.keys, nil
	}
	content, err := r.file.Get(maxAge)
	return content.keys, err
}

// next returns the keys of a file that has not been left alone yet. It returns none if
// the last line has no end: the rest of a secret may be missing.
func (r *Keyring) next() []*signingKey {
	if r == nil || r.file == nil {
		return nil
	}
	if content, ok := r.file.Next(); ok && content.whole {
		return content.keys
	}
	return nil
}

// Len returns the number of different secrets in the ring. It is 0 only for a nil or zero
// Keyring.
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

// Signer returns a signer for events of the integration: the first key that names it or, if
// none does, the first that may sign for any integration. It is for programs that send events,
// such as in a test.
func (r *Keyring) Signer(integrationID string) (s Signer, ok bool) {
	keys, _ := r.current(rereadInterval)
	for _, k := range keys {
		if slices.Contains(k.integrations, integrationID) {
			return Signer{k}, true
		}
	}
	for _, k := range keys {
		if s = (Signer{k}); s.SignsFor(integrationID) {
			return s, true
		}
	}
	return Signer{}, false
}

// A Signer is the owner of a key: of the one that a signature was made with, or of one to sign
// with.
type Signer struct{ key *signingKey }

// Sign returns the signature of body, as [Sign] does. It panics if the signer is zero.
func (s Signer) Sign(body []byte) string { return s.key.sign(body) }

// SignsFor reports whether the key may sign events of the integration. A body that names
// no integration ("") may be signed with any key.
func (s Signer) SignsFor(integrationID string) bool {
	if s.key == nil {
		return false
	}
	return integrationID == "" || s.key.global || slices.Contains(s.key.integrations, integrationID)
}
