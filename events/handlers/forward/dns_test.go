package forward_test

import (
	"context"
	"encoding/binary"
	"net"
)

// dialTo makes a resolver use one server.
func dialTo(server string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}
}

// dnsAnswer returns the answer to a query with one question: the address if it asks for an
// IPv4 address, and otherwise an empty answer.
func dnsAnswer(query []byte, addr [4]byte) []byte {
	const header, typeA, classIN = 12, 1, 1
	end := header
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root, type and class
	answer := append([]byte(nil), query[:end]...)
	binary.BigEndian.PutUint16(answer[2:], 0x8180) // a response, without error
	clear(answer[6:header])                        // no records yet
	if binary.BigEndian.Uint16(query[end-4:]) != typeA {
		return answer
	}
	binary.BigEndian.PutUint16(answer[6:], 1)
	answer = append(answer, 0xc0, header, 0, typeA, 0, classIN, 0, 0, 0, 0, 0, 4) // the question's name, time to live 0
	return append(answer, addr[:]...)
}
