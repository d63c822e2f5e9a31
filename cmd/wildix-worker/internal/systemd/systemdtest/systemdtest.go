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

// A Manager has the socket by which services notify systemd.
type Manager struct {
	t     *testing.T
	conn  *net.UnixConn
	Lines []string // in the order of their arrival
}

// New listens, and sets NOTIFY_SOCKET for the test.
func New(t *testing.T) *Manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // t.TempDir may be longer than a socket's name can be
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	fatal(t, err)
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return &Manager{t: t, conn: conn}
}

// Read returns the lines that have arrived since the last Read.
func (m *Manager) Read() (news []string) {
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
			news = append(news, strings.Split(string(buf[:n]), "\n")...)
		}
	}))
	m.Lines = append(m.Lines, news...)
	return news
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

// Want reads, and fails the test unless the lines are among what was read.
func (m *Manager) Want(lines ...string) {
	m.t.Helper()
	news := m.Read()
	for _, line := range lines {
		if !slices.Contains(news, line) {
			m.t.Errorf("notified with %q, want %q among them", news, line)
		}
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
