package serve

import (
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
)

// memoryShare is the part of the container's or unit's memory that the Go runtime may use.
// The rest is for the program itself and its threads.
const memoryShare = 0.9

// limitMemory has the collector run more often before the process uses more memory than its
// container or systemd unit allows, since the kernel kills it then. GOMEMLIMIT overrides it.
func limitMemory(log *zap.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare))
	switch {
	case err != nil: // such as a system without control groups
		log.Debug("no memory limit found", zap.Error(err))
	case limit < math.MaxInt64:
		log.Info("memory is limited", zap.Int64("bytes", limit))
	}
}
