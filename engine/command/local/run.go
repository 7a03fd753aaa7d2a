package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"engine/command/secrets"
)

// pipeGrace is how long a command's background processes may hold on to its output once it was stopped.
const pipeGrace = 5 * time.Second

// run runs a command to its end and returns what it printed, without the last line break. An exit code other than 0 is an error with the
// command and its output, secrets masked.
func run(ctx context.Context, command string, args Args, previous Results) (Results, error) {
	redact := secrets.Redactor(ctx)
	progress := &lines{show: func(line string) { p.GetLogger(ctx).InfoStatus(redact(line)) }}
	var stdout, stderr bytes.Buffer
	both := &shared{to: &bytes.Buffer{}}

	interpreter := interpreterOf(args)
	child := exec.CommandContext(ctx, interpreter[0], append(interpreter[1:], command)...)
	child.WaitDelay = pipeGrace
	child.Env = environment(args, previous)
	child.Stdout = outputTo(&stdout, both, args.shows(logStdout), progress)
	child.Stderr = outputTo(&stderr, both, args.shows(logStderr), progress)
	if args.Dir != nil {
		child.Dir = *args.Dir
	}
	if args.Stdin != nil {
		child.Stdin = strings.NewReader(*args.Stdin)
	}
	err := child.Run()
	progress.flush()
	if err != nil {
		return previous, fmt.Errorf("%s: running %q:\n%s", redact(err.Error()), redact(command), redact(both.to.String()))
	}
	results := Results{
		Stdout: strings.TrimSuffix(stdout.String(), "\n"),
		Stderr: strings.TrimSuffix(stderr.String(), "\n"),
	}
	return results, collectFiles(&results, child.Dir, args)
}

func interpreterOf(args Args) []string {
	switch {
	case len(args.Interpreter) > 0:
		return append([]string(nil), args.Interpreter...)
	case runtime.GOOS == "windows":
		return []string{"cmd", "/C"}
	}
	return []string{"/bin/sh", "-c"}
}

func environment(args Args, previous Results) []string {
	env := os.Environ()
	for name, value := range args.Environment {
		env = append(env, name+"="+value)
	}
	if args.AddPreviousOutputInEnv == nil || *args.AddPreviousOutputInEnv {
		if previous.Stdout != "" {
			env = append(env, "PULUMI_COMMAND_STDOUT="+previous.Stdout)
		}
		if previous.Stderr != "" {
			env = append(env, "PULUMI_COMMAND_STDERR="+previous.Stderr)
		}
	}
	return env
}

func outputTo(own *bytes.Buffer, both *shared, show bool, progress *lines) io.Writer {
	writers := []io.Writer{own, both}
	if show {
		writers = append(writers, progress)
	}
	return io.MultiWriter(writers...)
}
