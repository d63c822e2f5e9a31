package term

import (
	"fmt"
	"strings"
)

// Bar returns a progress bar that fits on a line. done may be more than total. rate is per
// second, and is not shown if it is below 1.
func Bar(done, total int64, rate float64) string {
	const width = 40
	part := 0.0
	if total > 0 {
		part = min(float64(done)/float64(total), 1)
	}
	full := int(part * width)
	line := fmt.Sprintf("[%s%s] %3d%%  %d of about %d", strings.Repeat("=", full), strings.Repeat(" ", width-full), int(part*100), done, total)
	if rate >= 1 {
		line += fmt.Sprintf(", %.0f/s", rate)
	}
	return line
}
