package forward

import (
	"context"
	"net"
	"net/http"
)

// DialWith makes the handler dial its endpoint in memory, as a synctest bubble needs it.
func (h *Handler) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	h.client.Transport.(*http.Transport).DialContext = dial
}
