// Package systemdtest stands in for systemd in tests.
package systemdtest

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Manager is the end of systemd that receives the notifications of services.
type Manager struct {
	t     *testing.T
	conn  *net.UnixConn
	Lines []string // in the order of their arrival
}

// New listens, and sets NOTIFY_SOCKET for the test.
func New(t *testing.T) *Manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // the path of t.TempDir may be too long for a socket
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	fatal(t, err)
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return &Manager{t: t, conn: conn}
}

// Addr returns the address of the socket.
func (m *Manager) Addr() *net.UnixAddr { return m.conn.LocalAddr().(*net.UnixAddr) }

// Read returns the lines that have arrived since the last Read.
func (m *Manager) Read() (lines []string) {
	m.t.Helper()
	raw, err := m.conn.SyscallConn()
	fatal(m.t, err)
	buf := make([]byte, 4096)
	fatal(m.t, raw.Control(func(fd uintptr) {
		for {
			n, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT)
			if err != nil {
				break
			}
			lines = append(lines, strings.Split(string(buf[:n]), "\n")...)
		}
	}))
	m.Lines = append(m.Lines, lines...)
	return lines
}

// Await returns the first line with the prefix that comes from now on.
func (m *Manager) Await(prefix string) string {
	m.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		for _, line := range m.Read() {
			if strings.HasPrefix(line, prefix) {
				return line
			}
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("no %s within a minute, but %q", prefix, m.Lines)
		}
	}
}

// Want reads the lines that have arrived, and fails the test unless all those wanted are
// among them.
func (m *Manager) Want(wanted ...string) {
	m.t.Helper()
	lines := m.Read()
	for _, line := range wanted {
		if !slices.Contains(lines, line) {
			m.t.Errorf("notified with %q, want %q among them", lines, line)
		}
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
