package image

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// tailLines is how much of a failed build an error repeats.
const tailLines = 20

// message is one line of the daemon's answer to a build, a push or a pull.
type message struct {
	Stream   string          `json:"stream"`
	Status   string          `json:"status"`
	ID       string          `json:"id"`
	Progress string          `json:"progress"`
	Error    string          `json:"error"`
	Aux      json.RawMessage `json:"aux"`
}

// progress reads the daemon's answer and reports it line by line, masked.
type progress struct {
	redact func(string) string
	report func(line string)
	tail   []string
}

// follow reads to the end and returns the last `aux` object, which carries a build's image ID or a push's digest. A failure that the
// daemon reports is an error with the last lines before it.
func (p *progress) follow(answer io.Reader) (json.RawMessage, error) {
	var aux json.RawMessage
	var partial strings.Builder
	decoder := json.NewDecoder(answer)
	for {
		var m message
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF):
			p.line(partial.String())
			return aux, nil
		case err != nil:
			return nil, err
		}
		if m.Aux != nil {
			aux = m.Aux
		}
		if m.Status != "" && m.Progress == "" {
			p.line(strings.TrimSpace(m.ID + " " + m.Status))
		}
		// A chunk of a build's output need not end where a line does.
		partial.WriteString(m.Stream)
		lines := strings.Split(partial.String(), "\n")
		for _, line := range lines[:len(lines)-1] {
			p.line(line)
		}
		partial.Reset()
		partial.WriteString(lines[len(lines)-1])
		if m.Error != "" {
			p.line(partial.String())
			return nil, p.failure(m.Error)
		}
	}
}

func (p *progress) line(line string) {
	line = p.redact(strings.TrimRight(line, "\r "))
	if line == "" {
		return
	}
	p.tail = append(p.tail, line)
	if len(p.tail) > tailLines {
		p.tail = p.tail[1:]
	}
	p.report(line)
}

func (p *progress) failure(reason string) error {
	var said strings.Builder
	for _, line := range strings.Split(reason, "\n") {
		said.WriteString(p.redact(line) + "\n")
	}
	if len(p.tail) > 0 {
		said.WriteString("the last lines before that:\n  " + strings.Join(p.tail, "\n  "))
	}
	return errors.New(strings.TrimSpace(said.String()))
}
