package consumer

import (
	"strings"
	"testing"
)

func TestSignatureIsTheSameAfterItWasPacked(t *testing.T) {
	digits := strings.Repeat("0123456789abcdef", 4)
	for text, size := range map[string]int{
		digits: 32, "": 0, "zz": 2, "abc": 3, strings.ToUpper(digits): 64, digits[:63] + "é": 65,
	} {
		m := &message{}
		m.setTexts(text, "call-1")
		for range 2 {
			m.packSignature()
			if m.signature() != text || m.key() != "call-1" || len(m.texts) != size+len("call-1") {
				t.Errorf("%q became %q in %d bytes, with the key %q", text, m.signature(), m.signatureSize, m.key())
			}
		}
	}
}
