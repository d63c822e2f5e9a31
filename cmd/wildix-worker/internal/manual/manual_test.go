package manual

import "testing"

func TestManualEscapesInstructions(t *testing.T) {
	if got, want := roff(".a\n'b\n\\c --d"), "\\&.a\n\\&'b\n\\ec \\-\\-d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
