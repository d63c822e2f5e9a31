package eventtype

import "testing"

func TestMeantIsTheKnownTypeThatIsLikeAWrongOne(t *testing.T) {
	for name, want := range map[string]string{
		"call:finishd": "call:finished", "presence:usr": "presence:user", "Call:End": "call:end",
		"call:end": "", "call:transcription:completed": "", "fax:received": "", "conference:live:join": "", "chat:message": "", "": "",
	} {
		if got := Meant(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
