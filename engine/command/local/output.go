package local

import (
	"bytes"
	"strings"
	"sync"
)

// shared is a buffer that stdout and stderr write to at once, in the order in which they come.
type shared struct {
	lock sync.Mutex
	to   *bytes.Buffer
}

func (s *shared) Write(chunk []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.to.Write(chunk)
}

// lines shows output line by line, as it comes.
type lines struct {
	lock    sync.Mutex
	partial string
	show    func(line string)
}

func (l *lines) Write(chunk []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	complete := strings.Split(l.partial+string(chunk), "\n")
	last := len(complete) - 1
	for _, line := range complete[:last] {
		l.show(line)
	}
	l.partial = complete[last]
	return len(chunk), nil
}

// flush shows a last line that did not end.
func (l *lines) flush() {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.partial != "" {
		l.show(l.partial)
		l.partial = ""
	}
}
