package destination

import (
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/eventtype"
)

// A Doubt is a type of On that is likely a known one with a typing error. It is no fault, since
// a PBX sends more types than are known.
type Doubt struct{ Type, Nearest string }

// Doubts returns the doubtful types of On.
func (d *Destination) Doubts() (doubts []Doubt) {
	for _, name := range d.On {
		if strings.Contains(name, "*") {
			continue
		}
		if meant := eventtype.Meant(name); meant != "" {
			doubts = append(doubts, Doubt{name, meant})
		}
	}
	return doubts
}
