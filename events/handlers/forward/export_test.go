package forward

import (
	"context"
	"net"
	"net/http"
)

// DialWith has the handler reach its endpoint over memory, as a testing/synctest
// bubble needs it.
func (h *Handler) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	h.client.Transport.(*http.Transport).DialContext = dial
}
