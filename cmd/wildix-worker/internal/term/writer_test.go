package term

import (
	"bytes"
	"testing"
)

func TestWriterEscapesWhatCouldHarmATerminal(t *testing.T) {
	var out bytes.Buffer
	const text = "12:00\tINFO\t{\"name\":\"\u009b2J\u202eAda ☎\x1b\x7f\"}\nnext\n"
	if n, err := (Writer{&out}).Write([]byte(text)); n != len(text) || err != nil {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	want := "12:00\tINFO\t{\"name\":\"" + `\u009b2J\u202eAda ☎\u001b\u007f` + "\"}\nnext\n"
	if out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}
